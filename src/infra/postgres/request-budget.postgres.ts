import { randomUUID } from 'node:crypto';
import { type CleanUp, deletion } from '../../kernel/clean-up.js';
import { HOUR, SECOND } from '../../kernel/clock.js';
import { type Database, type Sql } from '../../kernel/sql.js';
import { type Marker } from '../../kernel/vault.js';
import { type Budget, costOf, type Place, spend } from '../../provider/budget.js';
import { UNHURRIED } from './unhurried.sql.js';

/** Budgets are kept in milliseconds: a time that is rounded up would be ahead of the clock. */
const MOMENT = `date_trunc('milliseconds', clock_timestamp())`;

/** As `spend` says it, on the row that is locked: from when on the time of a request is added. */
const LEFT = `greatest(${MOMENT}, case when budget.spent_until <= ${MOMENT} + interval '1 minute' then budget.spent_until end)`;
const COST = `$2 * interval '1 millisecond'`;
const HAS_REQUEST = `${LEFT} + ${COST} <= ${MOMENT} + interval '1 minute'`;

/** Takes a request where there is one, so that most requests to a service wait for one statement; `spend` says how long the others wait. */
const TAKE = `
  insert into request_budget as budget (account, spent_until) select $1, ${MOMENT} + ${COST} from ${UNHURRIED}
  on conflict (account) do update set spent_until = ${LEFT} + ${COST}
    where ${HAS_REQUEST} returning 1`;

const STANDING = `
  select ${MOMENT} as now, (select spent_until from request_budget where account = $1) as until`;

/** How long a place is kept for a request whose process does not say any more that it is under way. */
const KEPT = 8 * SECOND;
const RENEWAL = 2 * SECOND;

const NOW = 'extract(epoch from clock_timestamp())::float8';
const UNTIL = `${NOW} + ${KEPT / SECOND}`;
const TAKEN = `select key, value from jsonb_each(budget.places) where value::float8 > ${NOW}`;

/** Takes a request and a place, or neither. */
const ENTER = `
  insert into request_budget as budget (account, spent_until, places)
    select $1, ${MOMENT} + ${COST}, jsonb_build_object($3::text, ${UNTIL}) from ${UNHURRIED}
  on conflict (account) do update
    set spent_until = ${LEFT} + ${COST},
      places = (select coalesce(jsonb_object_agg(key, value), '{}') from (${TAKEN}) as taken) || jsonb_build_object($3::text, ${UNTIL})
    where ${HAS_REQUEST} and (select count(*) from (${TAKEN}) as taken) < $4 returning 1`;
const KEEP = `
  update request_budget set places = places || jsonb_build_object($2::text, ${UNTIL}) from ${UNHURRIED}
  where account = $1 and places ? $2::text returning 1`;
const LEAVE = `update request_budget set places = places - $2::text from ${UNHURRIED} where account = $1`;

type Standing = Readonly<{ now: Date; until: Date | null }>;

/** A place that was taken, kept until its request ends. What the database misses of that, time mends. */
const placeOf = (sql: Sql, mark: string, id: string): Place => {
  const losing = new AbortController();
  let renewal: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    renewal = sql.query(KEEP, [mark, id]).then(
      (kept) => {
        if (kept.length === 0) losing.abort(new Error('the place of the request was given to another'));
      },
      () => undefined,
    );
  }, RENEWAL).unref();
  return {
    lost: losing.signal,
    leave: async () => {
      clearInterval(timer);
      await renewal;
      await sql.query(LEAVE, [mark, id]).catch(() => undefined);
    },
  };
};

/**
 * Budgets that all processes share, and all threads of each, dated by the database's clock. A process that kept its own would have to divide them by
 * how many processes there are: runs of an account are two at once and are claimed by any process, so that each of ten could begin one a minute with a
 * full budget of its own. The row costs about as much as the look at the claim that goes before each request anyway.
 * Places for requests that are under way are kept in the same row: runs of an account are counted by connection, but one account may be connected by
 * several people, and each process looks for calendars and tends channels beside the runs.
 *
 * `marker` makes the hashes by which accounts are known here.
 */
export const requestBudget = (sql: Sql, marker: () => Promise<Marker>): Budget => {
  let marking: Promise<Marker> | null = null;
  const made = (): Promise<Marker> =>
    (marking ??= marker().catch((error: unknown) => {
      marking = null;
      throw error;
    }));
  const markOf = async (account: string): Promise<string> => (await made())('requests', account);
  /** Milliseconds until an account has a request again; 0 when it has one. */
  const waitOf = async (mark: string, aMinute: number): Promise<number> => {
    const [seen] = await sql.query<Standing>(STANDING, [mark]);
    if (seen === undefined) throw new Error('the database does not say what time it is');
    return spend(seen.until?.getTime() ?? 0, seen.now.getTime(), aMinute).wait;
  };
  return {
    spend: async ({ account, aMinute }) => {
      const mark = await markOf(account);
      for (;;) {
        if ((await sql.query(TAKE, [mark, costOf(aMinute)])).length > 0) return 0;
        const wait = await waitOf(mark, aMinute);
        if (wait > 0) return wait;
      }
    },
    enter: async ({ account, aMinute, atOnce }) => {
      const [mark, id] = [await markOf(account), randomUUID()];
      if ((await sql.query(ENTER, [mark, costOf(aMinute), id, atOnce])).length > 0) return placeOf(sql, mark, id);
      const wait = await waitOf(mark, aMinute);
      return wait > 0 ? wait : null;
    },
  };
};

const FULL = `delete from request_budget where ctid = any(array(select ctid from request_budget where spent_until < $1 limit $2)) returning 1`;

/** Forgets budgets that have been full for so long that clocks which differ do not matter. */
export const budgetCleanUp = (database: Database): CleanUp =>
  deletion(database, { name: 'request-budgets', every: HOUR, keepFrom: (now) => now - HOUR, statement: FULL, projection: null });
