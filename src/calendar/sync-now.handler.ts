import { Inject } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type Clock, CLOCK, instant } from '../kernel/clock.js';
import { Refused } from '../kernel/refused.js';
import { DATABASE, type Database, type Sql } from '../kernel/sql.js';
import { type Scope, SyncNow } from './calendar.commands.js';

/** DI token of the pause between two manual syncs of one calendar, in milliseconds. */
export const MANUAL_SYNC_PAUSE = Symbol('ManualSyncPause');

type Wanted = Readonly<{ calendar_id: string; last_manual_at: Date | null; fault: string | null }>;

const inScope = (sql: Sql, userId: string, { connectionId, calendarId }: Scope): Promise<readonly Wanted[]> =>
  sql.query<Wanted>(
    `select calendar_id, last_manual_at, fault from sync_state
     where user_id = $1 and ($2::uuid is null or connection_id = $2) and ($3::uuid is null or calendar_id = $3) for update`,
    [userId, connectionId, calendarId],
  );

/** Manual syncs jump the queue, at most one per calendar and pause; a hint during a run causes one more run. */
@CommandHandler(SyncNow)
export class SyncNowHandler implements ICommandHandler<SyncNow> {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(MANUAL_SYNC_PAUSE) private readonly pause: number,
  ) {}

  async execute({ actor: { userId }, scope, full, commandId: syncId }: SyncNow): Promise<{ syncId: string }> {
    const now = this.clock.now();
    await this.database.transaction(async (sql) => {
      const earlier = await sql.query('select 1 from sync_run where sync_id = $1 and user_id = $2', [syncId, userId]);
      if (earlier.length > 0) return;
      const wanted = await inScope(sql, userId, scope);
      if (wanted.length === 0) throw new Refused('calendar.unknown', 404, 'There is no such calendar to sync.');
      const reachable = wanted.filter(({ fault }) => fault !== 'access-revoked');
      if (reachable.length === 0)
        throw new Refused('connection.needs-reconnect', 409, 'The account refuses the stored password: reconnect it first.');
      const free = reachable.filter(({ last_manual_at }) => this.waitFor(last_manual_at, now) <= 0);
      if (free.length === 0) {
        const wait = Math.min(...reachable.map(({ last_manual_at }) => this.waitFor(last_manual_at, now)));
        throw new Refused(
          'sync.too-often',
          429,
          'These calendars were synced a moment ago; they are read again by themselves.',
          wait / 1_000,
        );
      }
      const ids = free.map(({ calendar_id }) => calendar_id);
      await sql.query(
        `update sync_state set last_manual_at = $2, due_at = $2, wake = true, lane = 'hot', full_requested = full_requested or $3
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

  private waitFor(last: Date | null, now: number): number {
    return last === null ? 0 : last.getTime() + this.pause - now;
  }
}
