import { type Clock, instant, SECOND } from '../../kernel/clock.js';
import { type Queue } from '../../kernel/due-work.js';
import { type Entropy } from '../../kernel/entropy.js';
import { afterCrash, type SetAside, TOLD_AFTER, type Trouble } from '../../kernel/failure-policy.js';
import { named } from '../../kernel/sql.js';
import { type Postgres } from './database.postgres.js';
import { PRESENCE } from './presence.postgres.js';

/** `version`: of the program. A row that failed in another one is tried at once. */
export type RowsRuntime = Readonly<{
  database: Pick<Postgres, 'query' | 'alone'>;
  clock: Clock;
  entropy: Pick<Entropy, 'fraction'>;
  version: string;
}>;

/** What every row has. */
export type Held = Readonly<Record<string, unknown>> &
  Readonly<{ epoch: string; unforeseen: number; crashes: number; set_aside: SetAside | null }>;

/** What keeps rows from being claimed now: `groups` and `members` as in `Crowding`, `people` as in `Shares`. */
export type Room = Readonly<{ groups: readonly string[]; members: readonly string[]; people: readonly string[] }>;

/** For workers that are frozen or out of reach; those that died are told by their locks. Writes are refused by epoch and revision, not by time. */
const LEASE = 8 * SECOND;

/** Leases are dated and compared by the database's clock alone, because processes' own clocks differ. */
const LEASED = `clock_timestamp() + ${LEASE} * interval '1 millisecond'`;
const IS_FREE = '(claimed_until is null or claimed_until < clock_timestamp())';

/** Numbers of the workers that live. As an array, it is looked up only when a row is met that is held. */
const LIVING = `array(select objid::bigint from pg_locks where locktype = 'advisory' and classid = ${PRESENCE} and objsubid = 2 and granted
  and database = (select oid from pg_database where datname = current_database()))`;

/** Rows of groups or people that have no place left are passed over. `values`: as the condition names them. */
const roomFor = <Row>({ crowds, person }: Queue<Row>, { groups, members, people }: Room) => ({
  sql: [
    crowds === undefined
      ? '(:members::text[] is null or :groups::text[] is null or true)'
      : `(${crowds.exempt} or (${crowds.member}::text <> all(:members::text[]) and ${crowds.named}::text <> all(:groups::text[])))`,
    person === undefined ? '(:people::text[] is null or true)' : `(${crowds?.exempt ?? 'false'} or ${person} <> all(:people::text[]))`,
  ].join(' and '),
  values: { members, groups, people },
});

export const troubleOf = ({ unforeseen, crashes, set_aside }: Held): Trouble => ({ unforeseen, crashes, setAside: set_aside });

/** Which of the rows `found` may be claimed without an account having more than its places; `passed`: a condition on rows whose accounts have them all. */
const placesOf = <Row>({ table, key, order, account }: Queue<Row>) => {
  if (account === undefined) return { passed: 'true', allowed: `select ${key} from found` };
  const { column, most } = account;
  const held = `select ${column} as account, count(*) as places from ${table} where claimed_until >= clock_timestamp() group by 1`;
  return {
    passed: `${column} not in (select account from (${held}) as held where places >= ${most})`,
    allowed: `select ${key} from (
      select ${key}, row_number() over (partition by ${column} order by ${order}) + coalesce(places, 0) as place
      from found left join (${held}) as held on account = ${column}) as placed where place <= ${most}`,
  };
};

/**
 * What is to be looked at before other rows are claimed: rows whose worker died, and suspects that are due, the least suspected first. `isAnyDue`: of the
 * other rows one may be claimed.
 */
export type Survey<Row> = Readonly<{ dead: readonly (Row & Held)[]; suspects: readonly (Row & Held)[]; isAnyDue: boolean }>;

/**
 * In one statement that locks nothing: most looks find nothing, and would else hold up the claims of other processes. `mine`: rows this worker is at,
 * whose claims a lost connection of its own may have left without a living number.
 */
export const survey = async <Row>(
  { database, clock }: RowsRuntime,
  queue: Queue<Row>,
  room: Room,
  mine: readonly unknown[],
): Promise<Survey<Row>> => {
  const { table, key, order } = queue;
  const { sql, values } = roomFor(queue, room);
  const isMine = `${key}::text = any(:mine::text[])`;
  const found = await database.query<(Row & Held & Readonly<{ has_died: boolean | null }>) & Readonly<{ is_any_due: boolean }>>(
    ...named(
      `select odd.*, is_any_due from (select exists (
         select 1 from ${table} where due_at <= :now and crashes = 0 and ${IS_FREE} and not ${isMine} and ${sql} and ${placesOf(queue).passed}
       ) as is_any_due) as others
       left join (select * from (
         select *, claimed_until is not null and claimed_by is not null and claimed_by <> all(${LIVING}) as has_died from ${table}
         where due_at <= :now and (crashes > 0 or claimed_until is not null) and not ${isMine}) as held
       where has_died or (crashes > 0 and ${IS_FREE} and ${sql})) as odd on true
       order by crashes, ${order}`,
      { now: instant(clock.now()), ...values, mine },
    ),
  );
  const rows = found.filter(({ has_died }) => has_died !== null);
  return {
    dead: rows.filter(({ has_died }) => has_died === true),
    suspects: rows.filter(({ has_died }) => has_died === false),
    isAnyDue: found[0]?.is_any_due ?? false,
  };
};

/**
 * `suspect`: the key of the one suspect that is claimed; null claims rows that are suspected of nothing. `mine`: rows this worker is at; one whose
 * lease ended while the worker could not renew it is still its own, and is not begun a second time beside itself. Fewer than `limit` come also where
 * accounts have no more places: the next claim passes them over.
 */
export const claim = <Row>(
  { database, clock }: RowsRuntime,
  queue: Queue<Row>,
  room: Room,
  { limit, number, suspect, mine }: Readonly<{ limit: number; number: number; suspect: unknown; mine: readonly string[] }>,
): Promise<readonly (Row & Held)[]> => {
  const { table, key, order, account } = queue;
  const { sql: hasRoom, values } = roomFor(queue, room);
  const { passed, allowed } = placesOf(queue);
  const statement = named(
    `with found as materialized (
       select * from ${table} where due_at <= :now and ${IS_FREE} and ${key}::text <> all(:mine::text[]) and ${hasRoom} and ${passed}
         and ${suspect === null ? ':suspect::text is null and crashes = 0' : `${key}::text = :suspect`}
       order by ${order} limit :limit for update skip locked)
     update ${table} set epoch = epoch + 1, wake = false, claimed_until = ${LEASED}, claimed_by = :number
     where ${key} in (${allowed})
     returning *`,
    { now: instant(clock.now()), ...values, limit, number, suspect, mine },
  );
  if (account === undefined) return database.query<Row & Held>(...statement);
  // Two processes that claim at once would each give the same account's last place away.
  return database.alone(table, (sql) => sql.query<Row & Held>(...statement));
};

/** Renews a claim under the worker's number of the moment; false when it is no longer its own. */
export const renew = async <Row>(
  { database }: RowsRuntime,
  { table, key }: Queue<Row>,
  id: unknown,
  epoch: bigint,
  number: number | null,
): Promise<boolean> => {
  const rows = await database.query(
    `update ${table} set claimed_until = ${LEASED}, claimed_by = coalesce($3, claimed_by) where ${key} = $1 and epoch = $2 returning 1`,
    [id, epoch, number],
  );
  return rows.length > 0;
};

/** Whether the claim still holds. */
export const isHeld = async <Row>({ database }: RowsRuntime, { table, key }: Queue<Row>, id: unknown, epoch: bigint): Promise<boolean> =>
  (await database.query(`select 1 from ${table} where ${key} = $1 and epoch = $2`, [id, epoch])).length > 0;

/** How a row's work ended: what it has come to, when it may be tried again (milliseconds; 0: when it is due), whether it failed just now. */
export type Ending = Readonly<{ trouble: Trouble; pause: number; hasFailed: boolean }>;

/** Frees a row after its work: due again at once when a hint came meanwhile, after a pause when the work failed. */
export const release = async <Row>(
  { database, clock, version }: RowsRuntime,
  { table, key }: Queue<Row>,
  id: unknown,
  epoch: bigint,
  { trouble, pause, hasFailed }: Ending,
): Promise<void> => {
  const { unforeseen, crashes, setAside } = trouble;
  await database.query(
    ...named(
      `update ${table} set claimed_until = null, unforeseen = :unforeseen, crashes = :crashes, set_aside = :setAside,
         failed_in = coalesce(:failedIn, failed_in),
         due_at = case when :pause > 0 then greatest(due_at, :now::timestamptz + :pause * interval '1 millisecond') when wake then :now else due_at end
       where ${key} = :id and epoch = :epoch`,
      {
        ...{ id, epoch, now: instant(clock.now()), pause: Math.ceil(pause), unforeseen, crashes, setAside },
        failedIn: hasFailed ? version : null,
      },
    ),
  );
};

export const isTold = ({ unforeseen, setAside }: Trouble): boolean => setAside !== null || unforeseen >= TOLD_AFTER;

/** Frees a row whose worker died and counts the crash, unless another worker has done so, or its own has come back under another number. */
export const settle = async <Row>(runtime: RowsRuntime, queue: Queue<Row>, row: Row & Held): Promise<void> => {
  const { database, clock, entropy, version } = runtime;
  const { table, key, isLasting, onTrouble } = queue;
  const { trouble, pause } = afterCrash(troubleOf(row), isLasting?.(row) ?? false, entropy.fraction());
  const settled = await database.query(
    ...named(
      `update ${table} set epoch = epoch + 1, claimed_until = null, claimed_by = null, crashes = :crashes, set_aside = :setAside, failed_in = :version,
         due_at = greatest(due_at, :from::timestamptz + :pause * interval '1 millisecond')
       where ${key} = :id and epoch = :epoch and claimed_by = :claimedBy and claimed_until is not null returning 1`,
      {
        ...{ id: row[key], epoch: row.epoch, claimedBy: row['claimed_by'] },
        ...{ crashes: trouble.crashes, setAside: trouble.setAside, version },
        ...{ from: instant(pause === 0 ? 0 : clock.now()), pause: Math.ceil(pause) },
      },
    ),
  );
  if (settled.length > 0 && isTold(trouble)) await onTrouble?.(row[key], trouble);
};

/** What failed in another version of the program may be mended by this one: it is tried now, and counted from the beginning. */
export const bringBack = async <Row>({ database, clock, version }: RowsRuntime, { table }: Queue<Row>): Promise<void> => {
  await database.query(
    `update ${table} set due_at = least(due_at, $1), unforeseen = 0, crashes = least(crashes, 1), failed_in = $2
     where failed_in <> $2 and (set_aside is not null or unforeseen > 0 or crashes > 1) and due_at < 'infinity'`,
    [instant(clock.now()), version],
  );
};
