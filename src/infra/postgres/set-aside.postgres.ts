import { type CleanUp } from '../../kernel/clean-up.js';
import { HOUR } from '../../kernel/clock.js';
import { type Message } from '../../kernel/decider.js';
import { idOf, type Position, type Recorded, UnreadableEvent } from '../../kernel/event-store.js';
import { type Projection, type Separable } from '../../kernel/projection.js';
import { named, type Sql } from '../../kernel/sql.js';
import { kindOf } from '../logging/redaction.js';

const categoryOf = (stream: string): string => stream.slice(0, stream.indexOf('-'));

/** Whether a stream brings a calendar's contents. */
export const isContent = <E extends Message>({ contents }: Separable<E>, stream: string): boolean => contents.includes(categoryOf(stream));
/** Whether a stream is one of those that belong to one calendar each. */
export const belongsToCalendar = <E extends Message>(separable: Separable<E> | null, stream: string): separable is Separable<E> =>
  separable !== null && (isContent(separable, stream) || separable.facts.includes(categoryOf(stream)));

/** `generation`: the newest of which something is missing; null until an event that can be read tells it. Null with `contents` false: a fact is missing. */
export type Aside = { contents: boolean; generation: number | null };

/** The calendars a projection has set aside, by id. */
export const asidesOf = async (sql: Sql, projection: string): Promise<Map<string, Aside>> => {
  const rows = await sql.query<Aside & { calendar_id: string }>(
    'select calendar_id, contents, generation from set_aside where projection = $1',
    [projection],
  );
  return new Map(rows.map(({ calendar_id, ...aside }) => [calendar_id, aside]));
};

type Standing = 'applied' | 'left out' | 'taken back';

/** What becomes of an event while some calendars are aside: contents wait for a generation that begins later, facts are applied. */
export const standingOf = async <E extends Message>(
  sql: Sql,
  { name, separable }: Projection<E>,
  asides: Map<string, Aside>,
  { stream, event }: Recorded<E>,
): Promise<Standing> => {
  const aside = asides.get(idOf(stream));
  if (aside === undefined || separable === null || !isContent(separable, stream)) return 'applied';
  const generation = separable.generationOf(event);
  if (!aside.contents || generation === null) return 'left out';
  if (aside.generation !== null && generation > aside.generation) {
    asides.delete(idOf(stream));
    await sql.query('delete from set_aside where projection = $1 and calendar_id = $2', [name, idOf(stream)]);
    return 'taken back';
  }
  if (aside.generation === null) {
    aside.generation = generation;
    await sql.query('update set_aside set generation = $3 where projection = $1 and calendar_id = $2', [name, idOf(stream), generation]);
  }
  return 'left out';
};

/** What set a calendar aside: the event, the generation it belongs to (null: none, or unknown), and the error. */
export type Cause = Readonly<{ stream: string; position: Position; at: string; generation: number | null; error: unknown }>;

/** Sets the calendar of an event aside, in the transaction in which its other events are applied. */
export const setAside = async <E extends Message>(sql: Sql, name: string, separable: Separable<E>, cause: Cause): Promise<void> => {
  const { stream, position, at, generation, error } = cause;
  await sql.query(
    ...named(
      `insert into set_aside (projection, calendar_id, position, contents, generation, code, error)
     values (:name, :calendarId, :position, :contents, :generation, :code, :error)
     on conflict (projection, calendar_id) do update set position = excluded.position, contents = set_aside.contents and excluded.contents,
       generation = excluded.generation, code = excluded.code, error = excluded.error`,
      {
        name,
        calendarId: idOf(stream),
        position,
        contents: isContent(separable, stream),
        generation,
        code: error instanceof UnreadableEvent ? 'event-unreadable' : 'event-failed',
        error: kindOf(error),
      },
    ),
  );
  await separable.setAside(sql, { calendarId: idOf(stream), position, at });
};

/** A calendar whose contents keep failing is read whole again once a day, besides when its owner asks. */
const ASK = `
  update sync_state s set full_requested = true, remade_at = clock_timestamp(), wake = true, due_at = least(s.due_at, clock_timestamp())
  from set_aside a
  where a.calendar_id = s.calendar_id and a.contents and s.due_at <> 'infinity'
    and (s.remade_at is null or s.remade_at < clock_timestamp() - interval '1 day')
  returning 1`;

/** Asks for a new generation of the calendars that are aside, of each at most daily. */
export const askForGenerations = async (sql: Sql): Promise<void> => {
  const asked = await sql.query(ASK);
  if (asked.length > 0) await sql.query('notify sync_state');
};

/** Removes nothing: asks again for what is aside still, and for what a rebuild has set aside. */
export const asideCleanUp = (sql: Sql): CleanUp => ({
  name: 'asides',
  every: HOUR,
  remove: async () => {
    await askForGenerations(sql);
    return 0;
  },
});

/** How many calendars are aside, by the reason. Those of revoked connections are not counted. */
export const asideByCode = async (sql: Sql): Promise<readonly Readonly<{ code: string; count: number }>[]> => {
  const rows = await sql.query<{ code: string; count: string }>(
    'select code, count(distinct calendar_id) from set_aside join calendars using (calendar_id) group by code order by code',
  );
  return rows.map(({ code, count }) => ({ code, count: Number(count) }));
};
