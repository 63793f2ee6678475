import { monitorEventLoopDelay } from 'node:perf_hooks';
import {
  AggregatorRegistry,
  collectDefaultMetrics,
  Counter,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client';
import { type Labels, type Metrics } from '../../kernel/metrics.js';

/** Numbers of a registry, in a form that can be sent to another thread. */
export type MetricsSnapshot = readonly MetricObjectWithValues<MetricValue<string>>[];

/** `Metrics` with the page Prometheus scrapes. */
export type PrometheusMetrics = Metrics &
  Readonly<{
    contentType: string;
    page: () => Promise<string>;
    snapshot: () => Promise<MetricsSnapshot>;
    /** Numbers of another thread of this process, asked for whenever the page is. */
    include: (source: () => Promise<MetricsSnapshot>) => void;
  }>;

type Reading = Parameters<Metrics['asked']>[3];

const NANOSECONDS = 1e9;

/** How late the thread gets round to what is due; what keeps it waiting is work that does not let go. */
const watchEventLoop = (registry: Registry, thread: string): void => {
  const delay = monitorEventLoopDelay();
  delay.enable();
  const settings = { name: 'event_loop_delay_seconds', help: 'Delay of the event loop of a thread since the last scrape' };
  new Gauge({
    ...settings,
    labelNames: ['thread', 'quantile'],
    registers: [registry],
    collect() {
      for (const quantile of [50, 99, 100])
        this.set({ thread, quantile: String(quantile / 100) }, delay.percentile(quantile) / NANOSECONDS);
      delay.reset();
    },
  });
};

/** `omit` means that a sum over processes makes no sense; these are threads of one. */
const kept = (snapshot: MetricsSnapshot): MetricsSnapshot =>
  snapshot.map((metric) => ({ ...metric, aggregator: metric.aggregator === 'omit' ? 'first' : metric.aggregator }));

/**
 * A registry of its own, so that two services in one process (tests) do not share numbers. That of the main thread includes Node's own metrics
 * of the process.
 */
export const prometheusMetrics = (thread = 'main'): PrometheusMetrics => {
  const registry = new Registry();
  if (thread === 'main') collectDefaultMetrics({ register: registry });
  watchEventLoop(registry, thread);
  const others: (() => Promise<MetricsSnapshot>)[] = [];
  const snapshot = (): Promise<MetricsSnapshot> => registry.getMetricsAsJSON();
  return {
    ...makersOn(registry),
    contentType: registry.contentType,
    snapshot,
    include: (source) => {
      others.push(source);
    },
    page: async () => {
      if (others.length === 0) return registry.metrics();
      const all = await Promise.all([snapshot(), ...others.map((each) => each())]);
      return AggregatorRegistry.aggregate(all.map(kept)).metrics();
    },
  };
};

/** What cannot be asked now is left out: an old number would look like a present one. */
const renew = async (gauge: Gauge, read: Reading): Promise<void> => {
  gauge.reset();
  for (const { value, labels = {} } of await read().catch(() => [])) gauge.set(labels, value);
};

const makersOn = (registry: Registry): Metrics => {
  const known = <M>(name: string, make: () => M): M => (registry.getSingleMetric(name) as M | undefined) ?? make();
  const settings = (name: string, help: string, labels: readonly string[] = []) => ({
    name,
    help,
    labelNames: labels,
    registers: [registry],
  });
  return {
    counter: (name, help, labels) => {
      const counter = known(name, () => new Counter(settings(name, help, labels)));
      return (values: Labels = {}, by = 1) => {
        counter.inc(values, by);
      };
    },
    gauge: (name, help, labels) => {
      const gauge = known(name, () => new Gauge(settings(name, help, labels)));
      return (value, values: Labels = {}) => {
        gauge.set(values, value);
      };
    },
    histogram: (name, help, buckets, labels) => {
      const histogram = known(name, () => new Histogram({ ...settings(name, help, labels), buckets: [...buckets] }));
      return (value, values: Labels = {}) => {
        histogram.observe(values, value);
      };
    },
    asked: (name, help, labels, read) => {
      new Gauge({
        ...settings(name, help, labels),
        collect() {
          return renew(this, read);
        },
      });
    },
  };
};
