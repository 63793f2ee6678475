import { setTimeout as sleep } from 'node:timers/promises';
import { type CleanUp } from '../../kernel/clean-up.js';
import { type Clock, HOUR, instant, SECOND } from '../../kernel/clock.js';
import { type Lease } from '../../kernel/due-work.js';
import { type Log } from '../../kernel/log.js';
import { type Database } from '../../kernel/sql.js';
import { logStanding } from './counted.store.js';
import { type Operations, REFUSED } from './operations.client.js';
import { isScavengeDue } from './scavenge-due.js';

type Runtime = Readonly<{ database: Database; operations: Operations; clock: Clock; log: Log }>;
type Node = Readonly<{ node: string; scavenge_id: string | null }>;

/** A scavenge of a large log takes hours: the next look, an hour later, finds it ended. One of a small log is waited for; in milliseconds. */
const PATIENCE = 20 * SECOND;
const PAUSE = 250;

/** What a store that was started again says of the scavenge that this ended. */
const INTERRUPTED = 'Interrupted';
const SUCCESS = 'Success';

const unended = (database: Database): Promise<readonly Node[]> =>
  database.query<Node>('select node, scavenge_id from log_scavenge where ended_at is null order by node');

const end = async ({ database, clock, log }: Runtime, node: string, result: string): Promise<void> => {
  await database.query('update log_scavenge set ended_at = $2, result = $3 where node = $1', [node, instant(clock.now()), result]);
  if (result === REFUSED)
    log.warn('the event store refuses a scavenge to the user of EVENTSTORE_URL: an operator has to start one', { node });
  else if (result !== SUCCESS) log.warn('a scavenge of the event store did not succeed', { node, result });
};

/** How the scavenge that was asked for ended; null when it runs on. One that died with its server, or was never begun, is begun. */
const outcomeOn = async ({ database, operations }: Runtime, { node, scavenge_id }: Node, lease: Lease): Promise<string | null> => {
  const known = scavenge_id === null ? null : await operations.outcome(scavenge_id);
  if (known !== null && known !== INTERRUPTED) return known;
  await lease.permit();
  const started = await operations.scavenge(node);
  if (started === REFUSED) return REFUSED;
  await database.query('update log_scavenge set scavenge_id = $2 where node = $1', [node, started]);
  const until = performance.now() + PATIENCE;
  for (;;) {
    const ended = await operations.outcome(started);
    if (ended !== null || lease.signal.aborted || performance.now() > until) return ended;
    await sleep(PAUSE, undefined, { signal: lease.signal }).catch(() => undefined);
  }
};

/** Asks every node for a scavenge when it is time; a node that has left the cluster is asked no more. */
const begin = async ({ database, operations }: Runtime, now: number): Promise<void> => {
  const nodes = await operations.nodes();
  await database.query('delete from log_scavenge where node <> all($1)', [nodes]);
  if ((await unended(database)).length > 0 || !isScavengeDue(await logStanding(database), now)) return;
  await database.query(
    `insert into log_scavenge (node, round_at) select node, $2 from unnest($1::text[]) as named(node)
     on conflict (node) do update set round_at = excluded.round_at, scavenge_id = null, ended_at = null, result = null`,
    [nodes, instant(now)],
  );
};

/** What was hidden when the round began is in no node's log any more, if every node succeeded. Answers how many parts that were. */
const forget = async (database: Database): Promise<number> => {
  const [row] = await database.query<{ parts: string }>(
    `with gone as (
       delete from log_chunk where hidden_at <= (select min(round_at) from log_scavenge)
         and not exists (select 1 from log_scavenge where result is distinct from '${SUCCESS}') returning bytes),
     counted as (update log_freed set bytes = bytes + (select coalesce(sum(bytes), 0) from gone))
     select count(*) as parts from gone`,
    [],
  );
  return Number(row?.parts ?? 0);
};

/**
 * Removes from the log what is hidden in it: superseded, expired and revoked parts of feeds. A round asks one node of the store after the other,
 * each once the one before has ended, and is a row of `log_scavenge` for each: a process that dies in it is followed by the next look.
 */
const hiddenEvents = (runtime: Runtime): CleanUp => ({
  name: 'hidden-events',
  every: HOUR,
  remove: async (now, lease) => {
    await begin(runtime, now);
    for (const node of await unended(runtime.database)) {
      const result = await outcomeOn(runtime, node, lease);
      if (result === null) return 0;
      await end(runtime, node.node, result);
    }
    return forget(runtime.database);
  },
});

/** What the log of events itself leaves behind. */
export const logCleanUps = (runtime: Runtime): readonly CleanUp[] => [hiddenEvents(runtime)];
