import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { type Contents } from '../calendar/calendar-object.js';
import { FRESHNESS_SQL, freshnessOf, type FreshnessRow } from '../sync/freshness.js';
import { objectName } from '../sync/upsert.js';
import { type Actor } from '../kernel/actor.js';
import { type Clock, CLOCK } from '../kernel/clock.js';
import { named, DATABASE, type Database } from '../kernel/sql.js';
import { type TimeRange } from '../kernel/time-range.js';
import { type Sealer, VAULT, type Vault } from '../kernel/vault.js';
import { type EventCursor, writeCursor } from './event-cursor.js';
import { type EventPage, type EventView } from './events.contract.js';
import { EVENTS_SQL, type EventRow, FIRST } from './events.sql.js';
import { eventId, timesOf } from './told-event.js';

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

const viewOf = (row: EventRow, contents: Contents): EventView => ({
  id: eventId(row),
  calendarId: row.calendar_id,
  provider: row.provider,
  title: contents.title,
  ...timesOf(row),
  allDay: row.all_day,
  timeZone: row.zone,
  endTimeZone: contents.endZone ?? null,
  floating: row.floating,
  location: contents.location,
  description: contents.description,
  organizer: contents.organizer,
  attendees: [...contents.attendees],
  status: row.status,
  busy: row.busy,
  private: row.private,
  seriesId: row.recurring ? row.series : null,
  copies: (row.copies ?? []).map((copy) => ({ id: eventId(copy), calendarId: copy.calendar_id, provider: copy.provider })),
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
    const [found, freshness, sealers] = await Promise.all([
      this.shown(userId, asked),
      this.database.query<FreshnessRow>(FRESHNESS_SQL, [userId, calendarId === null ? null : [calendarId]]),
      this.vault.connections(userId),
    ]);
    const rows = found.slice(0, limit);
    const last = found.length > limit ? rows.at(-1) : undefined;
    return {
      items: opened(rows, sealers),
      nextCursor: last === undefined ? null : writeCursor(placeOf(last)),
      freshness: freshness.filter(({ visible }) => visible).map((row) => freshnessOf(row, this.clock.now())),
    };
  }

  /** One row more than asked for, when there is one; reads on past copies that are not shown. */
  private async shown(userId: string, asked: Asked): Promise<readonly EventRow[]> {
    const { range, provider, calendarId, cursor, limit } = asked;
    const shown: EventRow[] = [];
    for (let after: EventCursor | null = cursor ?? FIRST; after !== null && shown.length <= limit;) {
      const { start, calendarId: calendar, series, original }: EventCursor = after;
      const wanted = { userId, from: range.start, to: range.end, provider, calendarId, limit: limit + 1 };
      const from = { afterStart: start, afterCalendar: calendar, afterSeries: series, afterOriginal: original };
      const rows: readonly EventRow[] = await this.database.query<EventRow>(...named(EVENTS_SQL, { ...wanted, ...from }));
      shown.push(...rows.filter(({ hidden }) => !hidden));
      const last = rows.at(-1);
      after = rows.length > limit && last !== undefined ? placeOf(last) : null;
    }
    return shown;
  }
}

const opened = (rows: readonly EventRow[], sealers: ReadonlyMap<string, Sealer>): EventView[] => {
  const contents = new Map<string, readonly Contents[]>();
  const views: EventView[] = [];
  for (const row of rows) {
    const sealer = sealers.get(row.connection_id);
    // The key is being destroyed at this moment: the rows are as good as gone.
    if (sealer === undefined) continue;
    const key = `${row.calendar_id} ${row.ref}`;
    const all = contents.get(key) ?? contentsIn(sealer, row);
    contents.set(key, all);
    views.push(viewOf(row, all[row.component] ?? EMPTY));
  }
  return views;
};

const placeOf = (row: EventRow): EventCursor => ({
  start: row.start_key,
  calendarId: row.calendar_id,
  series: row.series,
  original: row.original,
});

const contentsIn = (sealer: Sealer, { calendar_id, ref, sealed }: EventRow): readonly Contents[] =>
  (JSON.parse(sealer.open(objectName(calendar_id, ref), sealed)) as { contents: readonly Contents[] }).contents;
