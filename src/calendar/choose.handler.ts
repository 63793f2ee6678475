import { Inject, Injectable } from '@nestjs/common';
import { type Cause, metadataOf } from '../kernel/cause.js';
import { decideOn, type Decision, settle } from '../kernel/commands.js';
import { ENTROPY, type Entropy } from '../kernel/entropy.js';
import { EVENT_STORE, type EventStore, type Position } from '../kernel/event-store.js';
import { connection } from '../connection/connection.js';
import { connectionCodec } from '../connection/connection.codec.js';
import { entryOf } from '../provider/registry.js';
import { DATABASE, type Database } from '../kernel/sql.js';
import { type Calendar, calendar, type CalendarCommand, type CalendarEvent, type Mode, type Privacy } from './calendar.js';
import { calendarCodec } from './calendar.codec.js';
import {
  type CalendarChoices,
  type Choice,
  choose,
  type Choosing,
  type Chosen,
  type DecidedChoices,
  type ListedCalendar,
} from './choose.js';

type Row = Readonly<{
  calendar_id: string;
  connection_id: string;
  provider: string;
  status: 'listed' | 'adopted';
  mode: Mode;
  privacy: Privacy;
  visible: boolean;
  writable: boolean;
  busy_only: boolean;
  color: string | null;
  time_zone: string | null;
  sealed: string;
}>;

const listedOf = (
  { calendar_id: calendarId, connection_id: connectionId, busy_only: busyOnly, time_zone: timeZone, ...row }: Row,
  scoped: boolean,
): ListedCalendar => ({
  ...row,
  calendarId,
  connectionId,
  busyOnly,
  timeZone,
  adopted: row.status === 'adopted',
  scoped,
});

/** Each calendar's stream is written at the revision it was decided on; a lost race is decided again. */
@Injectable()
export class ChooseHandler implements CalendarChoices {
  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(DATABASE) private readonly database: Database,
    @Inject(ENTROPY) private readonly entropy: Entropy,
  ) {}

  async chosenBy(userId: string): Promise<readonly Chosen[]> {
    const rows = await this.database.query<Pick<Row, 'calendar_id' | 'mode' | 'privacy' | 'visible'>>(
      'select calendar_id, mode, privacy, visible from calendars where user_id = $1 order by calendar_id',
      [userId],
    );
    const chosen: Chosen[] = [];
    for (const { calendar_id: calendarId, mode, privacy, visible } of rows) {
      const { state } = await this.store.stateOf(calendar, calendarCodec, calendarId);
      chosen.push(
        state.status === 'none' ? { calendarId, adopted: false, mode, privacy, visible } : { ...state, calendarId, adopted: true },
      );
    }
    return chosen;
  }

  async decide(choices: readonly Choice[], choosing: Choosing, cause: Cause): Promise<DecidedChoices> {
    const listed = await this.listed(choices, choosing.owner);
    const orders = choices.map((choice) => ({
      id: choice.calendarId,
      commands: choose(listed.get(choice.calendarId) ?? null, choice, choosing),
      metadata: metadataOf(cause, this.entropy.uuid()),
      ifMatch: null,
    }));
    const decisions: Decision<Calendar, CalendarCommand, CalendarEvent>[] = [];
    for (const order of orders) decisions.push(await decideOn(this.store, calendar, calendarCodec, order));
    return {
      events: decisions.flatMap(({ events }) => events.map(({ type }) => type)),
      write: async () => {
        let last: Position | null = null;
        for (const decision of decisions) last = (await settle(this.store, calendar, calendarCodec, decision)).position ?? last;
        return last;
      },
    };
  }

  /** Those of somebody's calendars that are to be chosen for, by id. */
  private async listed(choices: readonly Choice[], owner: string): Promise<ReadonlyMap<string, ListedCalendar>> {
    if (choices.length === 0) return new Map();
    const rows = await this.database.query<Row>('select * from calendars where user_id = $1 and calendar_id = any($2)', [
      owner,
      choices.map(({ calendarId }) => calendarId),
    ]);
    const listed = await Promise.all(rows.map(async (row) => listedOf(row, await this.mayWrite(row))));
    return new Map(listed.map((each) => [each.calendarId, each]));
  }

  /** Whether the owner has granted writing. The connection's stream says it, because the read model may be a moment behind the grant. */
  private async mayWrite({ provider, connection_id }: Row): Promise<boolean> {
    if (entryOf(provider).write === 'with-account') return true;
    const { state } = await this.store.stateOf(connection, connectionCodec, connection_id);
    return state.status === 'none' || state.status === 'revoked' || state.access === 'write';
  }
}
