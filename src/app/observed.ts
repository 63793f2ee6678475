import { observe, observeEach } from '../infra/telemetry/observe.otel.js';
import { type DueTask } from '../kernel/due-work.js';
import { type Message } from '../kernel/decider.js';
import { type Metrics } from '../kernel/metrics.js';
import { type Projection } from '../kernel/projection.js';
import { type CalendarProvider, type Change, type Providers, type ScanPage } from '../provider/calendar-provider.js';
import { type Identity } from '../provider/identity.js';
import { type OAuth } from '../provider/oauth.js';
import { type Push } from '../provider/push.js';

const step = (provider: string, operation: string) => ({
  metric: 'provider',
  help: 'Time a calendar service took: to be read from a cursor or whole, to list its calendars, to give, renew or take back a grant, to open, prolong or end a channel',
  span: `provider ${operation}`,
  labels: { provider, operation },
});

const observedOAuth = (oauth: OAuth, name: string, metrics: Metrics): OAuth => ({
  authorizationUrl: oauth.authorizationUrl,
  complete: (...call) => observe(metrics, step(name, 'complete'), () => oauth.complete(...call)),
  refresh: (...call) => observe(metrics, step(name, 'refresh'), () => oauth.refresh(...call)),
});

const observedIdentity = ({ authorizationUrl, complete }: Identity, name: string, metrics: Metrics): Identity => ({
  authorizationUrl,
  complete: (...call) => observe(metrics, step(name, 'complete'), () => complete(...call)),
});

const extending = ({ extend }: Push, name: string, metrics: Metrics): Push['extend'] =>
  extend === null ? null : (...call) => observe(metrics, step(name, 'extend'), () => extend(...call));

const observedPush = (push: Push, name: string, metrics: Metrics): Push => ({
  life: push.life,
  open: (...call) => observe(metrics, step(name, 'watch'), () => push.open(...call)),
  stop: (...call) => observe(metrics, step(name, 'unwatch'), () => push.stop(...call)),
  read: push.read,
  handshake: push.handshake,
  extend: extending(push, name, metrics),
});

const observedProvider = (provider: CalendarProvider, name: string, metrics: Metrics): CalendarProvider => {
  const objects = metrics.counter(
    'sync_objects_total',
    'Objects a calendar service named: read, unchanged, removed, missing, other, unreadable',
    ['provider', 'kind', 'code'],
  );
  const count = ({ changes }: ScanPage): void => {
    for (const change of changes) objects({ provider: name, kind: change.kind, code: codeOf(change) });
  };
  return {
    mapping: provider.mapping,
    oauth: provider.oauth === null ? null : observedOAuth(provider.oauth, name, metrics),
    identity: provider.identity === null ? null : observedIdentity(provider.identity, name, metrics),
    push: provider.push === null ? null : observedPush(provider.push, name, metrics),
    discover: (...call) => observe(metrics, step(name, 'discover'), () => provider.discover(...call)),
    revoke: (...call) => observe(metrics, step(name, 'revoke'), () => provider.revoke(...call)),
    scan: (...call) => observeEach(metrics, step(name, 'scan'), provider.scan(...call), count),
  };
};

const codeOf = (change: Change): string => (change.kind === 'unreadable' ? change.code : '');

/** The same providers, measured and traced. */
export const observedProviders = (providers: Providers, metrics: Metrics): Providers =>
  new Map([...providers].map(([name, provider]) => [name, observedProvider(provider, name, metrics)]));

/** From a thousandth of a second to days late. */
const LATENESS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400];

type Due = Readonly<{ due_at?: Date; lane?: string; task?: string }>;

/** The same task, measured and traced, with how late it began. */
export const observedTask = <Row extends object>(queue: string, task: DueTask<Row>, now: () => number, metrics: Metrics): DueTask<Row> => {
  const late = metrics.histogram('due_work_lag_seconds', 'How late due work began, after it was due', LATENESS, ['queue', 'lane']);
  return (row, lease) => {
    const { due_at: due, lane = '' } = row as Due;
    if (due instanceof Date) late(Math.max(0, now() - due.getTime()) / 1_000, { queue, lane });
    const work = { metric: 'due_work', help: 'Time a piece of due work took', span: `work ${queue}`, labels: { queue, lane } };
    return observe(metrics, work, () => task(row, lease));
  };
};

/** The same projection, its batches measured and traced. */
export const observedProjection = <E extends Message>(projection: Projection<E>, metrics: Metrics): Projection<E> => {
  const { name } = projection;
  const events = metrics.counter('projection_events_total', 'Events a projection applied', ['projection']);
  const work = {
    metric: 'projection_batch',
    help: 'Time a batch of events took to apply',
    span: `project ${name}`,
    labels: { projection: name },
  };
  return {
    ...projection,
    apply: async (sql, batch) => {
      await observe(metrics, work, () => projection.apply(sql, batch), { events: String(batch.length) });
      events({ projection: name }, batch.length);
    },
  };
};
