import { Inject } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { isDeadGrant } from '../connection/account-fault.js';
import { type Clock, CLOCK, instant } from '../kernel/clock.js';
import { Refused } from '../kernel/refused.js';
import { DATABASE, type Database, type Sql } from '../kernel/sql.js';
import { type Scope, SyncNow } from './sync.commands.js';
import { allowedOf, MANUAL_PAUSES, type ManualPauses, type Syncable } from './manual-sync.js';

type Wanted = Readonly<{
  calendar_id: string;
  last_manual_at: Date | null;
  last_full_at: Date | null;
  objects: number | null;
  fault: string | null;
  wanted: boolean;
}>;

/** A whole reading is weighed against those of all calendars of the person. Locked in one order, so that two requests never wait for each other. */
const inScope = (sql: Sql, userId: string, { connectionId, calendarId }: Scope, full: boolean): Promise<readonly Wanted[]> =>
  sql.query<Wanted>(
    `select calendar_id, last_manual_at, last_full_at, objects, fault, wanted from sync_state
       cross join lateral (select ($2::uuid is null or connection_id = $2) and ($3::uuid is null or calendar_id = $3) as wanted) as scope
     where user_id = $1 and (wanted or $4) order by calendar_id for update of sync_state`,
    [userId, connectionId, calendarId, full],
  );

const syncableOf = ({ calendar_id: calendarId, last_manual_at, last_full_at, objects }: Wanted): Syncable => ({
  calendarId,
  lastSyncAt: last_manual_at?.getTime() ?? null,
  lastFullAt: last_full_at?.getTime() ?? null,
  objects,
});

const tooOften = (full: boolean, retryAfter: number): Refused =>
  new Refused(
    'sync.too-often',
    429,
    full
      ? 'These calendars, or many others, were read whole within the last hour; ask for a sync of what changed, without "full".'
      : 'These calendars were synced a moment ago; they are read again by themselves.',
    retryAfter / 1_000,
  );

/** Manual syncs jump the queue, as often as `allowedOf` lets them; a hint during a run causes one more run. */
@CommandHandler(SyncNow)
export class SyncNowHandler implements ICommandHandler<SyncNow> {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(MANUAL_PAUSES) private readonly pauses: ManualPauses,
  ) {}

  async execute({ actor: { userId }, scope, full, commandId: syncId }: SyncNow): Promise<{ syncId: string }> {
    const now = this.clock.now();
    await this.database.transaction(async (sql) => {
      const earlier = await sql.query('select 1 from sync_run where sync_id = $1 and user_id = $2', [syncId, userId]);
      if (earlier.length > 0) return;
      const all = await inScope(sql, userId, scope, full);
      const wanted = all.filter((row) => row.wanted);
      if (wanted.length === 0) throw new Refused('calendar.unknown', 404, 'There is no such calendar to sync.');
      const reachable = wanted.filter(({ fault }) => !isDeadGrant(fault));
      if (reachable.length === 0)
        throw new Refused('connection.needs-reconnect', 409, 'The account refuses the stored password: reconnect it first.');
      const { calendarIds: ids, retryAfter } = allowedOf(reachable.map(syncableOf), all.map(syncableOf), {
        full,
        pauses: this.pauses,
        now,
      });
      if (ids.length === 0) throw tooOften(full, retryAfter ?? 0);
      await sql.query(
        `update sync_state set last_manual_at = $2, due_at = $2, wake = true, lane = 'hot', full_requested = full_requested or $3,
           last_full_at = case when $3 then $2 else last_full_at end
         where calendar_id = any($1)`,
        [ids, instant(now), full],
      );
      await sql.query(
        `insert into sync_run (sync_id, calendar_id, user_id, requested_at, full_read, state) select $1, unnest($2::uuid[]), $3, $4, $5, 'queued'`,
        [syncId, ids, userId, instant(now), full],
      );
      await sql.query('notify sync_state');
      await sql.query(`select pg_notify('stream', $1)`, [userId]);
    });
    return { syncId };
  }
}
