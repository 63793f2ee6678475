import { UNREAD_SQL } from '../sync/freshness.js';
import { zoneRulesAge } from '../time/zone-age.js';
import { ZONE_RULES_VERSION } from '../time/zone-rules.js';
import { asideByCode } from '../infra/postgres/set-aside.postgres.js';
import { type Progress } from '../infra/postgres/projection.runner.js';
import { logStanding } from '../infra/eventstore/counted.store.js';
import { type HealthChecks } from '../kernel/health.js';
import { type Metrics } from '../kernel/metrics.js';
import { type Runtime } from './runtime.js';

const QUEUES = ['sync_state', 'watch_state', 'connection_state', 'clean_up', 'placement'] as const;

type Depth = Readonly<{ queue: string; due: string; late: string }>;

/** How much is due in each queue, and how long the oldest of it has been; what is being worked at is not waiting. */
const DEPTH = QUEUES.map(
  (queue) =>
    `select '${queue}' as queue, count(*) as due, coalesce(extract(epoch from clock_timestamp() - min(due_at)), 0) as late from ${queue}
     where due_at <= clock_timestamp() and (claimed_until is null or claimed_until < clock_timestamp())`,
).join(' union all ');

type InTrouble = Readonly<{ queue: string; failing: string; suspect: string; aside: string }>;

const TROUBLE = QUEUES.map(
  (queue) =>
    `select '${queue}' as queue, count(*) filter (where unforeseen > 0) as failing, count(*) filter (where crashes > 0) as suspect,
       count(set_aside) as aside from ${queue} where unforeseen > 0 or crashes > 0 or set_aside is not null`,
).join(' union all ');

const troubleIn = (database: Pick<Runtime['database'], 'query'>): Promise<readonly InTrouble[]> => database.query<InTrouble>(TROUBLE);

/** Rows that are set aside are counted and shown. They are some people's trouble, so the process as a whole is well. */
export const watchQueues = (health: Pick<HealthChecks, 'add'>, { database }: Pick<Runtime, 'database'>): void => {
  health.add('due work', async () => {
    const aside = (await troubleIn(database)).filter((row) => Number(row.aside) > 0).map((row) => `${row.aside} of ${row.queue}`);
    return aside.length === 0 ? { ok: true } : { ok: true, detail: `set aside: ${aside.join(', ')}` };
  });
};

type Watched = Readonly<{ provider: string; mode: string; reason: string; count: string }>;

const WATCHED = `select provider, mode, coalesce(reason, '') as reason, count(*) from watch_state group by 1, 2, 3 order by 1, 2, 3`;

/** Services that are not relied on to tell of changes are asked more often: everything is read, so the process as a whole is well. */
export const watchPush = (health: Pick<HealthChecks, 'add'>, { database }: Pick<Runtime, 'database'>): void => {
  health.add('push', async () => {
    const polled = (await database.query<Watched>(WATCHED)).filter(
      ({ mode, reason }) => mode === 'polled' && reason !== '' && reason !== 'push.hidden',
    );
    if (polled.length === 0) return { ok: true };
    return { ok: true, detail: `polled: ${polled.map(({ provider, reason, count }) => `${count} of ${provider} (${reason})`).join(', ')}` };
  });
};

/** How calendars are watched, of all processes together. */
export const measureWatched = ({ database }: Pick<Runtime, 'database'>, metrics: Metrics): void => {
  metrics.asked(
    'calendars_watched',
    'Calendars whose services tell of changes, by whether they are relied on to (pushed, polled, unwatchable) and why not',
    ['provider', 'mode', 'reason'],
    async () => {
      const rows = await database.query<Watched>(WATCHED);
      return rows.map(({ provider, mode, reason, count }) => ({ value: Number(count), labels: { provider, mode, reason } }));
    },
  );
};

/** What is asked of the engines whenever a process is scraped; of all processes together, so that each tells the same. */
export const measureState = ({ database }: Pick<Runtime, 'database'>, metrics: Metrics): void => {
  const trouble = (column: 'failing' | 'suspect' | 'aside') => async () =>
    (await troubleIn(database)).map(({ queue, ...row }) => ({ value: Number(row[column]), labels: { queue } }));
  metrics.asked('queue_failing', 'Rows of a queue whose work fails for an unforeseen reason', ['queue'], trouble('failing'));
  metrics.asked(
    'queue_suspect',
    'Rows of a queue that were held when their process died, and have not succeeded since',
    ['queue'],
    trouble('suspect'),
  );
  metrics.asked(
    'queue_set_aside',
    'Rows of a queue that are tried only once a day, because they failed too often',
    ['queue'],
    trouble('aside'),
  );
  const depth = (column: 'due' | 'late') => async () =>
    (await database.query<Depth>(DEPTH)).map(({ queue, ...row }) => ({ value: Number(row[column]), labels: { queue } }));
  metrics.asked('queue_due', 'Rows of a queue that are due and not being worked at', ['queue'], depth('due'));
  metrics.asked('queue_oldest_due_seconds', 'How long the oldest of them has been due', ['queue'], depth('late'));
  metrics.asked('calendars', 'Calendars by the fault they are at; none is the empty text', ['fault'], async () => {
    const rows = await database.query<{ fault: string; count: string }>(
      `select coalesce(fault, '') as fault, count(*) from sync_state group by 1`,
    );
    return rows.map(({ fault, count }) => ({ value: Number(count), labels: { fault } }));
  });
  metrics.asked('calendars_set_aside', 'Calendars of which an event could not be applied, by code', ['code'], async () =>
    (await asideByCode(database)).map(({ code, count }) => ({ value: count, labels: { code } })),
  );
  metrics.asked(
    'unreadable_objects',
    'Objects of calendars that are listed and could not be read, or not wholly, by code',
    ['code'],
    async () => {
      const rows = await database.query<{ code: string; count: string }>(`select code, count(*) from (${UNREAD_SQL}) unread group by code`);
      return rows.map(({ code, count }) => ({ value: Number(count), labels: { code } }));
    },
  );
};

/** Which zone rules this program has; processes of several versions tell different ones. */
export const measureZoneRules = ({ clock }: Pick<Runtime, 'clock'>, metrics: Metrics): void => {
  metrics.gauge('zone_rules_info', 'Version of the IANA time zone database this program has; always 1', ['version'])(1, {
    version: ZONE_RULES_VERSION,
  });
  metrics.asked('zone_rules_age_seconds', 'How long ago that version was released', [], () =>
    Promise.resolve([{ value: zoneRulesAge(clock.now()) / 1_000 }]),
  );
};

/** How large the log of events is, what of it is hidden, and how its nodes were last scavenged. */
export const measureLog = ({ database, store }: Pick<Runtime, 'database' | 'store'>, metrics: Metrics): void => {
  metrics.asked('event_log_bytes', 'Bytes appended to the log, less what scavenges are known to have removed', [], async () => {
    const [head, [freed]] = [await store.head(), await database.query<{ bytes: string }>('select bytes from log_freed')];
    return [{ value: Math.max(0, Number(head?.position ?? 0n) - Number(freed?.bytes ?? 0)) }];
  });
  metrics.asked('event_log_hidden_bytes', 'Bytes of feeds that the log holds and no reader of a feed sees', [], async () => [
    { value: (await logStanding(database)).hidden },
  ]);
  metrics.asked('event_log_hidden_share', 'Share of the bytes of feeds that no reader of a feed sees, from 0 to 1', [], async () => {
    const { bytes, hidden } = await logStanding(database);
    return [{ value: bytes === 0 ? 0 : hidden / bytes }];
  });
  metrics.asked(
    'event_log_scavenged_seconds',
    'When the newest scavenge of a node ended, since 1970, by how',
    ['node', 'result'],
    async () => {
      const rows = await database.query<{ node: string; result: string; ended_at: Date }>(
        'select node, result, ended_at from log_scavenge where ended_at is not null',
      );
      return rows.map(({ node, result, ended_at }) => ({ value: ended_at.getTime() / 1_000, labels: { node, result } }));
    },
  );
};

/** The connections of one thread to Postgres. */
export const measurePool = ({ database }: Pick<Runtime, 'database'>, metrics: Metrics, thread: string): void => {
  metrics.asked('database_connections', 'Pooled connections of a thread, and requests that wait for one', ['thread', 'state'], () => {
    const { busy, idle, waiting } = database.pool();
    const states = Object.entries({ busy, idle, waiting });
    return Promise.resolve(states.map(([state, value]) => ({ value, labels: { thread, state } })));
  });
};

/** How far the projections that run here are behind the log; one that stands by, because another process runs it, says nothing. */
export const measureProjections = (
  { store, clock }: Pick<Runtime, 'store' | 'clock'>,
  metrics: Metrics,
  all: readonly Progress[],
): void => {
  const here = () => all.filter(({ running, failure, rebuilt }) => running || failure !== null || rebuilt !== null);
  metrics.asked(
    'projection_live',
    '1 when a projection has reached the end of the log, 0 while it catches up or has stopped',
    ['projection'],
    () => Promise.resolve(here().map(({ name, live }) => ({ value: live ? 1 : 0, labels: { projection: name } }))),
  );
  metrics.asked('projection_lag_positions', 'How far the log goes on behind what a projection has applied', ['projection'], async () => {
    const head = await store.head();
    return here().map(({ name, live, position }) => ({
      value: live || head === null ? 0 : Number(head.position - (position ?? 0n)),
      labels: { projection: name },
    }));
  });
  metrics.asked('projection_lag_seconds', 'Age of the first event that a projection has not applied', ['projection'], () =>
    Promise.all(
      here().map(async ({ name, live, position }) => {
        const next = live ? null : await store.following(position);
        return { value: next === null ? 0 : (clock.now() - Date.parse(next.recordedAt)) / 1_000, labels: { projection: name } };
      }),
    ),
  );
};
