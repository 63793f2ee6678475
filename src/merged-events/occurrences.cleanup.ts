import { keptFrom } from './retention.js';
import { type CleanUp, CLEAN_UP_BATCH, deletion, HOLD_PROJECTION } from '../kernel/clean-up.js';
import { DAY, HOUR } from '../kernel/clock.js';
import { type Database } from '../kernel/sql.js';
import { CHANGES_KEPT_DAYS } from './changes/change-cursor.js';

const PROJECTION = 'user_calendar_events';

const ENDED = `delete from user_calendar_events where ctid = any(array(
  select ctid from user_calendar_events where end_at < $1 limit $2)) returning 1`;

/** Those of people whose calendars are read go with each generation; here go those of everybody else. */
const CHANGES = `delete from changes where ctid = any(array(select ctid from changes where at < $1 limit $2)) returning 1`;

/** What each of them had counts no more. */
const SERIES = `delete from event_series where ctid = any(array(select ctid from event_series where ends_at < $1 limit $2)) returning 1`;

/** A series is known as long as one of its occurrences is: overrides that are stored apart need their master. What is unreadable is counted. */
const WITHOUT_OCCURRENCES = `c.unexpandable is null
  and not exists (select 1 from user_calendar_events e where e.calendar_id = c.calendar_id and e.series = c.series)`;

/** Looked for without holding the projection up, and looked at again while it is held. */
const removeContents = async (database: Database): Promise<number> => {
  const found = await database.query<{ calendar_id: string; ref: string }>(
    `select calendar_id, ref from event_contents c where ${WITHOUT_OCCURRENCES} limit $1`,
    [CLEAN_UP_BATCH],
  );
  if (found.length === 0) return 0;
  const keys = [found.map(({ calendar_id }) => calendar_id), found.map(({ ref }) => ref)];
  const removed = await database.transaction(async (sql) => {
    await sql.query(HOLD_PROJECTION, [PROJECTION]);
    return sql.query(
      `delete from event_contents c using unnest($1::uuid[], $2::text[]) as found(calendar_id, ref)
       where c.calendar_id = found.calendar_id and c.ref = found.ref and ${WITHOUT_OCCURRENCES} returning 1`,
      keys,
    );
  });
  return removed.length;
};

/** Takes out of the merged calendar what ended 30 days ago, the contents that no occurrence refers to any more, and the changes that no cursor may ask for any more. */
export const occurrenceCleanUps = (database: Database): readonly CleanUp[] => [
  deletion(database, { name: 'occurrences', every: HOUR, keepFrom: keptFrom, statement: ENDED, projection: PROJECTION }),
  deletion(database, {
    name: 'changes',
    every: DAY,
    keepFrom: (now) => now - CHANGES_KEPT_DAYS * DAY,
    statement: CHANGES,
    projection: PROJECTION,
  }),
  deletion(database, { name: 'series', every: DAY, keepFrom: keptFrom, statement: SERIES, projection: PROJECTION }),
  {
    name: 'contents',
    every: DAY,
    remove: async (_, lease) => {
      for (let total = 0; ;) {
        await lease.permit();
        const removed = await removeContents(database);
        total += removed;
        if (removed < CLEAN_UP_BATCH) return total;
      }
    },
  },
];
