import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { type Contents } from '../calendar/calendar-object.js';
import { FRESHNESS_SQL, freshnessOf, type FreshnessRow } from '../calendar/freshness.js';
import { objectName } from '../calendar/upsert.js';
import { type Actor } from '../kernel/actor.js';
import { type Clock, CLOCK } from '../kernel/clock.js';
import { DATABASE, type Database } from '../kernel/sql.js';
import { type TimeRange } from '../kernel/time-range.js';
import { KeyDestroyed, type Sealer, VAULT, type Vault } from '../kernel/vault.js';
import { type EventCursor, writeCursor } from './event-cursor.js';
import { type EventPage, type EventView } from './events.contract.js';
import { COPIES_SQL, type CopyRow, eventId, EVENTS_SQL, type EventRow, FIRST, HIDDEN_SQL } from './events.sql.js';

type Asked = Readonly<{ range: TimeRange; provider: string | null; calendarId: string | null; cursor: EventCursor | null; limit: number }>;

/** A page of the merged calendar of the person who asks: occurrences that overlap the range, in order of their start. */
export class MergedEvents extends Query<EventPage> {
  constructor(
    readonly actor: Actor,
    readonly asked: Asked,
  ) {
    super();
  }
}

const EMPTY: Contents = { title: null, location: null, description: null, organizer: null, attendees: [], url: null, uid: null };

const viewOf = (row: EventRow, contents: Contents, copies: readonly CopyRow[]): EventView => ({
  id: eventId(row),
  calendarId: row.calendar_id,
  provider: row.provider,
  title: contents.title,
  start: row.all_day && row.local_start !== null ? row.local_start : row.start_at.toISOString(),
  end: row.all_day && row.local_end !== null ? row.local_end : row.end_at.toISOString(),
  allDay: row.all_day,
  timeZone: row.zone,
  floating: row.floating,
  location: contents.location,
  description: contents.description,
  organizer: contents.organizer,
  attendees: [...contents.attendees],
  status: row.status,
  busy: row.busy,
  private: row.private,
  seriesId: row.recurring ? row.series : null,
  copies: copies.map((copy) => ({ id: eventId(copy), calendarId: copy.calendar_id, provider: copy.provider })),
  meetingId: null,
  url: contents.url,
});

@QueryHandler(MergedEvents)
export class MergedEventsHandler implements IQueryHandler<MergedEvents> {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(VAULT) private readonly vault: Vault,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute({ actor: { userId }, asked }: MergedEvents): Promise<EventPage> {
    const { calendarId, limit } = asked;
    const hidden = (await this.database.query<{ calendar_id: string }>(HIDDEN_SQL, [userId])).map(({ calendar_id }) => calendar_id);
    const found = await this.shown(userId, asked, hidden);
    const rows = found.slice(0, limit);
    const last = found.length > limit ? rows.at(-1) : undefined;
    const freshness = await this.database.query<FreshnessRow>(FRESHNESS_SQL, [userId, calendarId === null ? null : [calendarId]]);
    return {
      items: await this.opened(userId, rows, hidden),
      nextCursor: last === undefined ? null : writeCursor(placeOf(last)),
      freshness: freshness.filter((row) => !hidden.includes(row.calendar_id)).map((row) => freshnessOf(row, this.clock.now())),
    };
  }

  /** One row more than asked for, when there is one; reads on past copies that are not shown. */
  private async shown(userId: string, asked: Asked, hidden: readonly string[]): Promise<readonly EventRow[]> {
    const { range, provider, calendarId, cursor, limit } = asked;
    const shown: EventRow[] = [];
    for (let after: EventCursor | null = cursor ?? FIRST; after !== null && shown.length <= limit;) {
      const { start, calendarId: calendar, series, original }: EventCursor = after;
      const wanted = [userId, range.start, range.end, provider, calendarId, start, calendar, series, original, limit + 1, hidden];
      const rows: readonly EventRow[] = await this.database.query<EventRow>(EVENTS_SQL, wanted);
      shown.push(...rows.filter(({ hidden }) => !hidden));
      const last = rows.at(-1);
      after = rows.length > limit && last !== undefined ? placeOf(last) : null;
    }
    return shown;
  }

  private async opened(userId: string, rows: readonly EventRow[], hidden: readonly string[]): Promise<EventView[]> {
    if (rows.length === 0) return [];
    const copies = await this.database.query<CopyRow>(COPIES_SQL, [
      userId,
      rows.map(({ copy }) => copy),
      rows.map(({ original }) => original),
      hidden,
    ]);
    const byMeeting = new Map<string, CopyRow[]>();
    for (const each of copies) byMeeting.set(meetingKey(each), [...(byMeeting.get(meetingKey(each)) ?? []), each]);
    const sealers = new Map<string, Sealer | null>();
    const contents = new Map<string, readonly Contents[]>();
    const views: EventView[] = [];
    for (const row of rows) {
      const sealer = await this.sealerOf(userId, row.connection_id, sealers);
      // The key is being destroyed at this moment: the rows are as good as gone.
      if (sealer === null) continue;
      const key = `${row.calendar_id} ${row.ref}`;
      const all = contents.get(key) ?? contentsIn(sealer, row);
      contents.set(key, all);
      const others = (byMeeting.get(meetingKey(row)) ?? []).filter((copy) => eventId(copy) !== eventId(row));
      views.push(viewOf(row, all[row.component] ?? EMPTY, others));
    }
    return views;
  }

  private async sealerOf(userId: string, connectionId: string, known: Map<string, Sealer | null>): Promise<Sealer | null> {
    const cached = known.get(connectionId);
    if (cached !== undefined) return cached;
    const sealer = await this.vault.connection(userId, connectionId).catch((error: unknown) => {
      if (error instanceof KeyDestroyed) return null;
      throw error;
    });
    known.set(connectionId, sealer);
    return sealer;
  }
}

const placeOf = (row: EventRow): EventCursor => ({
  start: row.start_key,
  calendarId: row.calendar_id,
  series: row.series,
  original: row.original,
});

const meetingKey = ({ copy, original }: CopyRow): string => `${copy} ${original}`;

const contentsIn = (sealer: Sealer, { calendar_id, ref, sealed }: EventRow): readonly Contents[] =>
  (JSON.parse(sealer.open(objectName(calendar_id, ref), sealed)) as { contents: readonly Contents[] }).contents;
