import { type CleanUp, deletion } from '../../kernel/clean-up.js';
import { HOUR, instant } from '../../kernel/clock.js';
import { type Database, type Sql } from '../../kernel/sql.js';
import { type Marker } from '../../kernel/vault.js';
import { spend, type Spend } from '../../provider/budget.js';

const STANDING = `
  select date_trunc('milliseconds', clock_timestamp()) as now, (select spent_until from request_budget where account = $1) as until`;

/** Another process that took a request meanwhile has moved what was seen. */
const TAKE = `
  insert into request_budget as budget (account, spent_until) values ($1, $2)
  on conflict (account) do update set spent_until = excluded.spent_until where budget.spent_until = $3 returning 1`;

type Standing = Readonly<{ now: Date; until: Date | null }>;

/**
 * Budgets that all processes share, and all threads of each, dated by the database's clock. A process that kept its own would have to divide them by
 * how many processes there are: runs of an account are two at once and are claimed by any process, so that each of ten could begin one a minute with a
 * full budget of its own. The row costs less than the look at the claim that goes before each request anyway, and one that waits only reads.
 *
 * `marker` makes the hashes by which accounts are known here.
 */
export const requestBudget = (sql: Sql, marker: () => Promise<Marker>): Spend => {
  let marking: Promise<Marker> | null = null;
  const made = (): Promise<Marker> =>
    (marking ??= marker().catch((error: unknown) => {
      marking = null;
      throw error;
    }));
  return async ({ account, aMinute }) => {
    const mark = (await made())('requests', account);
    for (;;) {
      const [seen] = await sql.query<Standing>(STANDING, [mark]);
      if (seen === undefined) throw new Error('the database does not say what time it is');
      const { until, wait } = spend(seen.until?.getTime() ?? 0, seen.now.getTime(), aMinute);
      if (wait > 0) return wait;
      if ((await sql.query(TAKE, [mark, instant(until), seen.until])).length > 0) return 0;
    }
  };
};

const FULL = `delete from request_budget where ctid = any(array(select ctid from request_budget where spent_until < $1 limit $2)) returning 1`;

/** Forgets budgets that have been full for so long that clocks which differ do not matter. */
export const budgetCleanUp = (database: Database): CleanUp =>
  deletion(database, { name: 'request-budgets', every: HOUR, keepFrom: (now) => now - HOUR, statement: FULL, projection: null });
