import { named } from '../kernel/sql.js';
import { applyEach, type Projection } from '../kernel/projection.js';
import { type PreferenceEvent } from './preference.js';
import { preferenceFamily } from './preference.codec.js';

/** One row per person who ever chose something; the working hours stay sealed. */
export const preferences: Projection<PreferenceEvent> = {
  name: 'preferences',
  meaning: 1,
  families: [preferenceFamily],
  apply: applyEach<PreferenceEvent>({
    CalendarPreferenceSet: (sql, { revision, event }) =>
      sql.query(
        ...named(
          `insert into preferences (user_id, time_zone, tentative_is_busy, focus_time_is_busy, external_changes, sealed, revision)
         values (:userId, :timeZone, :tentativeIsBusy, :focusTimeIsBusy, :externalChanges, :sealed, :revision)
         on conflict (user_id) do update set time_zone = excluded.time_zone, tentative_is_busy = excluded.tentative_is_busy,
           focus_time_is_busy = excluded.focus_time_is_busy, external_changes = excluded.external_changes, sealed = excluded.sealed,
           revision = excluded.revision`,
          {
            userId: event.userId,
            timeZone: event.timeZone,
            tentativeIsBusy: event.tentativeIsBusy,
            focusTimeIsBusy: event.focusTimeIsBusy,
            externalChanges: event.externalChanges,
            sealed: event.sealed,
            revision,
          },
        ),
      ),
  }),
  tables: ['preferences'],
  separable: null,
};
