import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { type Actor } from '../kernel/actor.js';
import { type Clock, CLOCK } from '../kernel/clock.js';
import { DATABASE, type Database } from '../kernel/sql.js';
import { sealersOf, VAULT, type Vault } from '../kernel/vault.js';
import { type CalendarView } from './calendar.contract.js';
import { type WatchMode } from '../provider/abilities.js';
import { unwatchedBecause } from '../watch/unwatched.js';
import { FRESHNESS_SQL, freshnessOf, type FreshnessRow } from '../sync/freshness.js';

/** The calendars of the person who asks. */
export class MyCalendars extends Query<readonly CalendarView[]> {
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
  privacy: CalendarView['privacy'];
  visible: boolean;
  writable: boolean;
  color: string | null;
  time_zone: string | null;
  sealed: string;
  watch_mode: WatchMode | null;
  watch_reason: string | null;
}>;

/** A calendar without a row of `watch_state` is one whose service tells of no changes. */
const MINE = `select c.*, w.mode as watch_mode, w.reason as watch_reason from calendars c left join watch_state w using (calendar_id)
  where c.user_id = $1 order by c.calendar_id`;

const watchOf = ({ status, watch_mode, watch_reason }: Row): CalendarView['watch'] =>
  status === 'adopted' ? { mode: watch_mode ?? 'polled', code: watch_reason, reason: unwatchedBecause(watch_reason) } : null;

@QueryHandler(MyCalendars)
export class MyCalendarsHandler implements IQueryHandler<MyCalendars> {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(VAULT) private readonly vault: Vault,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute({ actor: { userId } }: MyCalendars): Promise<readonly CalendarView[]> {
    const rows = await this.database.query<Row>(MINE, [userId]);
    const freshness = await this.database.query<FreshnessRow>(FRESHNESS_SQL, [userId, null]);
    const states = new Map(freshness.map((row) => [row.calendar_id, freshnessOf(row, this.clock.now())]));
    const connectionIds = rows.map(({ connection_id }) => connection_id);
    const sealers = await sealersOf(this.vault, userId, connectionIds);
    return rows.flatMap((row) => {
      const sealer = sealers.get(row.connection_id);
      if (sealer === undefined) return [];
      const { name } = JSON.parse(sealer.open(`calendar:${row.calendar_id}`, row.sealed)) as { name: string };
      const view: CalendarView = {
        calendarId: row.calendar_id,
        connectionId: row.connection_id,
        provider: row.provider,
        name,
        color: row.color,
        timeZone: row.time_zone,
        mode: row.mode,
        privacy: row.privacy,
        visible: row.visible,
        writable: row.writable,
        adopted: row.status === 'adopted',
        sync: states.get(row.calendar_id) ?? null,
        watch: watchOf(row),
      };
      return [view];
    });
  }
}
