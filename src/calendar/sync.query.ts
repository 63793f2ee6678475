import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { type Actor } from '../kernel/actor.js';
import { Refused } from '../kernel/refused.js';
import { DATABASE, type Database } from '../kernel/sql.js';
import { type SyncView } from './calendar.contract.js';
import { reasonFor } from './reasons.js';

/** How a manual sync of the person who asks is getting on. */
export class OneSync extends Query<SyncView> {
  constructor(
    readonly actor: Actor,
    readonly syncId: string,
  ) {
    super();
  }
}

type State = SyncView['state'];
type Row = Readonly<{ calendar_id: string; state: State; done: number; expected: number | null; code: string | null; shown: boolean }>;

/** The least advanced calendar tells for all; one that failed shows only when no other is still at work. */
const together = (states: readonly State[]): State =>
  (['running', 'queued', 'failed', 'done'] as const).find((state) => states.includes(state)) ?? 'done';

const total = (numbers: readonly (number | null)[]): number | null =>
  numbers.includes(null) ? null : numbers.reduce<number>((sum, number) => sum + (number ?? 0), 0);

@QueryHandler(OneSync)
export class OneSyncHandler implements IQueryHandler<OneSync> {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async execute({ actor: { userId }, syncId }: OneSync): Promise<SyncView> {
    const rows = await this.database.query<Row>(
      `select calendar_id, state, done, expected, code,
         position is null or position <= (select position from checkpoint where name = 'user_calendar_events') as shown
       from sync_run where sync_id = $1 and user_id = $2 order by calendar_id`,
      [syncId, userId],
    );
    if (rows.length === 0) throw new Refused('sync.unknown', 404, 'There is no such sync.');
    const calendars = rows.map((row) => ({
      calendarId: row.calendar_id,
      // Read and appended, but not yet in the read model: for who waits it is still running.
      state: row.state === 'done' && !row.shown ? ('running' as const) : row.state,
      done: row.done,
      expected: row.expected,
      reason: reasonFor(row.code),
    }));
    return {
      syncId,
      state: together(calendars.map(({ state }) => state)),
      done: calendars.reduce((sum, { done }) => sum + done, 0),
      expected: total(calendars.map(({ expected }) => expected)),
      calendars,
    };
  }
}
