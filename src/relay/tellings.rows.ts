import { type Database, type Sql } from '../kernel/sql.js';
import { type Telling } from './event-messages.js';
import { type Asked, type Place } from './telling.js';

/**
 * A calendar that is being told whole: first the changes that wait, then its events (`after`: the last one told; null: it is not told yet that they begin),
 * then the changes that came meanwhile. `nr`: of the last time it was asked for.
 */
export type OpenTelling = Readonly<{
  nr: string;
  telling: Telling;
  change: Asked['change'];
  stage: 'before' | 'events' | 'behind';
  told: Place;
  after: Readonly<{ series: string; original: string }> | null;
  count: number;
}>;

/** How far a telling has come; null: to its end. */
export type Advanced = Readonly<{ from: OpenTelling; to: OpenTelling | null }>;

type Row = Pick<OpenTelling, 'nr' | 'change' | 'stage' | 'count'> &
  Readonly<{
    calendar_id: string;
    user_id: string;
    origin: Telling['origin'];
    at: Date;
    position: string;
    part: number;
    series: string | null;
    original: string | null;
  }>;

const openOf = ({ nr, change, stage, count, ...row }: Row): OpenTelling => ({
  ...{ nr, change, stage, count },
  telling: { userId: row.user_id, calendarId: row.calendar_id, at: row.at.toISOString(), origin: row.origin },
  told: { position: BigInt(row.position), part: row.part },
  after: row.series === null || row.original === null ? null : { series: row.series, original: row.original },
});

// Changes that wait behind an earlier telling of the same calendar go on waiting; that telling itself is over.
const ASK = `
  insert into telling (calendar_id, user_id, change, origin, at, position, part)
  select * from json_to_recordset($1::json)
    as asked(calendar_id uuid, user_id text, change text, origin jsonb, at timestamptz, position bigint, part integer)
  on conflict (calendar_id) do update set nr = excluded.nr, change = excluded.change, origin = excluded.origin, at = excluded.at,
    stage = 'before', series = null, original = null, count = 0,
    part = case when (telling.position, telling.part) < (excluded.position, excluded.part) then telling.part else excluded.part end,
    position = least(telling.position, excluded.position)
  returning nr`;

const SAVE = `
  update telling t set stage = s.stage, position = s.position, part = s.part, series = s.series, original = s.original, count = s.count
  from json_to_recordset($1::json)
    as s(calendar_id uuid, nr bigint, stage text, position bigint, part integer, series text, original text, count integer)
  where t.calendar_id = s.calendar_id and t.nr = s.nr`;

const END = `
  delete from telling t using json_to_recordset($1::json) as s(calendar_id uuid, nr bigint) where t.calendar_id = s.calendar_id and t.nr = s.nr`;

// All in one order, so that no two who ask and tell wait for each other.
const LOCK = 'select 1 from telling where calendar_id = any($1) order by calendar_id for update';

const savedOf = ({ telling, nr, stage, told, after, count }: OpenTelling) => ({
  ...{ calendar_id: telling.calendarId, nr, stage, count },
  ...{ position: String(told.position), part: told.part, series: after?.series ?? null, original: after?.original ?? null },
});

/** The table of calendars that are told whole. */
export const tellings = (database: Database) => ({
  /** Asks for calendars, each of them once. Answers the numbers by which it can be looked up whether they have been told. */
  ask: async (sql: Sql, asked: readonly Asked[]): Promise<readonly string[]> => {
    if (asked.length === 0) return [];
    const inOrder = [...asked].sort((a, b) => (a.telling.calendarId < b.telling.calendarId ? -1 : 1));
    const rows = inOrder.map(({ telling: { calendarId, userId, origin, at }, change, told: { position, part } }) => ({
      ...{ calendar_id: calendarId, user_id: userId, change, origin, at, position: String(position), part },
    }));
    return (await sql.query<Pick<Row, 'nr'>>(ASK, [JSON.stringify(rows)])).map(({ nr }) => nr);
  },
  /** Which of some calendars are being told. */
  openAmong: async (calendarIds: readonly string[]): Promise<Set<string>> => {
    const rows = await database.query<Pick<Row, 'calendar_id'>>('select calendar_id from telling where calendar_id = any($1)', [
      calendarIds,
    ]);
    return new Set(rows.map(({ calendar_id }) => calendar_id));
  },
  /** Tells some calendars no further. */
  drop: async (calendarIds: readonly string[]): Promise<void> => {
    await database.query('delete from telling where calendar_id = any($1)', [calendarIds]);
  },
  /** The next telling of each of the next people behind `userId`, at most so many. */
  next: async (userId: string, most: number): Promise<readonly OpenTelling[]> =>
    (
      await database.query<Row>('select distinct on (user_id) * from telling where user_id > $1 order by user_id, nr limit $2', [
        userId,
        most,
      ])
    ).map(openOf),
  /** Stores how far some have come, unless they were asked for again or dropped meanwhile. */
  save: (advanced: readonly Advanced[]): Promise<void> =>
    database.transaction(async (sql) => {
      const ended = advanced.filter(({ to }) => to === null).map(({ from: { nr, telling } }) => ({ calendar_id: telling.calendarId, nr }));
      const others = advanced.flatMap(({ to }) => (to === null ? [] : [savedOf(to)]));
      await sql.query(LOCK, [advanced.map(({ from }) => from.telling.calendarId)]);
      if (ended.length > 0) await sql.query(END, [JSON.stringify(ended)]);
      if (others.length > 0) await sql.query(SAVE, [JSON.stringify(others)]);
    }),
  /** How many of some that were asked for are still to be told. */
  left: async (nrs: readonly string[]): Promise<number> => {
    const [row] = await database.query<{ left: number }>('select count(*)::int as left from telling where nr = any($1::bigint[])', [nrs]);
    return row?.left ?? 0;
  },
});
export type Tellings = ReturnType<typeof tellings>;

/** How many calendars are still to be told whole. */
export const waitingTellings = async (database: Database): Promise<number> => {
  const [row] = await database.query<{ waiting: number }>('select count(*)::int as waiting from telling');
  return row?.waiting ?? 0;
};
