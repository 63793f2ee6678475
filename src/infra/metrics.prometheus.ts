import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type Labels, type Metrics } from '../kernel/metrics.js';

/** `Metrics` with the page Prometheus scrapes. */
export type PrometheusMetrics = Metrics & Readonly<{ contentType: string; page: () => Promise<string> }>;

/** A registry of its own, so that two services in one process (tests) do not share numbers. Includes Node's default metrics. */
export const prometheusMetrics = (): PrometheusMetrics => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
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
    contentType: registry.contentType,
    page: () => registry.metrics(),
  };
};
