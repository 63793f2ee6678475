import { type CleanUp, deletion } from '../kernel/clean-up.js';
import { HOUR } from '../kernel/clock.js';
import { type Database } from '../kernel/sql.js';

const ENDED = `delete from watch_channel where ctid = any(array(select ctid from watch_channel where expires_at < $1 limit $2)) returning 1`;

/** Channels that have ended and that nothing looks after any more, because their calendars are not known since an older log was accepted. */
export const channelCleanUp = (database: Database): CleanUp =>
  deletion(database, { name: 'watch-channels', every: HOUR, keepFrom: (now) => now - HOUR, statement: ENDED, projection: null });
