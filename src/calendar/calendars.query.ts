import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { type Actor } from '../kernel/actor.js';
import { type Clock, CLOCK } from '../kernel/clock.js';
import { DATABASE, type Database } from '../kernel/sql.js';
import { KeyDestroyed, type Sealer, VAULT, type Vault } from '../kernel/vault.js';
import { type CalendarView } from './calendar.contract.js';
import { FRESHNESS_SQL, freshnessOf, type FreshnessRow } from './freshness.js';

/** A calendar and the revision its stream is at; -1 while it is only listed. */
export type SeenCalendar = Readonly<{ view: CalendarView; revision: bigint }>;

/** The calendars of the person who asks. */
export class MyCalendars extends Query<readonly SeenCalendar[]> {
  constructor(readonly actor: Actor) {
    super();
  }
}

type Row = Readonly<{
  calendar_id: string;
  connection_id: string;
  provider: CalendarView['provider'];
  status: 'listed' | 'adopted';
  mode: CalendarView['mode'];
  writable: boolean;
  color: string | null;
  time_zone: string | null;
  sealed: string;
  revision: string;
}>;

@QueryHandler(MyCalendars)
export class MyCalendarsHandler implements IQueryHandler<MyCalendars> {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(VAULT) private readonly vault: Vault,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute({ actor: { userId } }: MyCalendars): Promise<readonly SeenCalendar[]> {
    const rows = await this.database.query<Row>('select * from calendars where user_id = $1 order by calendar_id', [userId]);
    const freshness = await this.database.query<FreshnessRow>(FRESHNESS_SQL, [userId, null]);
    const states = new Map(freshness.map((row) => [row.calendar_id, freshnessOf(row, this.clock.now())]));
    const sealers = await this.sealersOf(userId, rows);
    return rows.flatMap((row) => {
      const sealer = sealers.get(row.connection_id);
      if (sealer === undefined) return [];
      const { name } = JSON.parse(sealer.open(`calendar:${row.calendar_id}`, row.sealed)) as { name: string };
      const view = {
        calendarId: row.calendar_id,
        connectionId: row.connection_id,
        provider: row.provider,
        name,
        color: row.color,
        timeZone: row.time_zone,
        mode: row.mode,
        writable: row.writable,
        adopted: row.status === 'adopted',
        sync: states.get(row.calendar_id) ?? null,
      };
      return [{ view, revision: BigInt(row.revision) }];
    });
  }

  /** Calendars whose key is being destroyed at this moment are as good as gone. */
  private async sealersOf(userId: string, rows: readonly Row[]): Promise<ReadonlyMap<string, Sealer>> {
    const sealers = new Map<string, Sealer>();
    for (const connectionId of new Set(rows.map(({ connection_id }) => connection_id)))
      try {
        sealers.set(connectionId, await this.vault.connection(userId, connectionId));
      } catch (error) {
        if (!(error instanceof KeyDestroyed)) throw error;
      }
    return sealers;
  }
}
