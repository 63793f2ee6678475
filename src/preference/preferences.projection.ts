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
        `insert into preferences (user_id, time_zone, tentative_is_busy, external_changes, sealed, revision) values ($1, $2, $3, $4, $5, $6)
         on conflict (user_id) do update set time_zone = excluded.time_zone, tentative_is_busy = excluded.tentative_is_busy,
           external_changes = excluded.external_changes, sealed = excluded.sealed, revision = excluded.revision`,
        [event.userId, event.timeZone, event.tentativeIsBusy, event.externalChanges, event.sealed, revision],
      ),
  }),
  tables: ['preferences'],
  separable: null,
};
