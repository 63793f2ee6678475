import { type Labels, type Metrics } from '../../kernel/metrics.js';
import { outcomeOf } from '../outcome.js';
import { inSpan, openSpan } from './tracing.otel.js';

/** Upper bounds in seconds: from an append to a first sync of a large calendar. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** One kind of step: its histogram `<metric>_duration_seconds` with a label `outcome` beside its own, and the name of its spans. */
export type Step = Readonly<{ metric: string; help: string; span: string; labels: Labels }>;

const clockOf = (metrics: Metrics, { metric, help, labels }: Step): ((outcome: string) => void) => {
  const record = metrics.histogram(`${metric}_duration_seconds`, help, SECONDS, [...Object.keys(labels), 'outcome']);
  const began = performance.now();
  return (outcome) => {
    record((performance.now() - began) / 1_000, { ...labels, outcome });
  };
};

/** Measures and traces one step. `more`: attributes of its span that would be too many as labels. */
export const observe = async <T>(metrics: Metrics, step: Step, work: () => Promise<T>, more: Labels = {}): Promise<T> => {
  const stop = clockOf(metrics, step);
  try {
    const result = await inSpan(step.span, { ...step.labels, ...more }, work);
    stop('ok');
    return result;
  } catch (error) {
    stop(outcomeOf(error));
    throw error;
  }
};

/** The same for a generator; one that its caller leaves early has the outcome `left`. */
export async function* observeEach<T, R>(
  metrics: Metrics,
  step: Step,
  source: AsyncGenerator<T, R>,
  onEach: (item: T) => void,
): AsyncGenerator<T, R> {
  const stop = clockOf(metrics, step);
  const span = openSpan(step.span, step.labels);
  let [outcome, failure]: [string, unknown] = ['left', null];
  try {
    for (;;) {
      const next = await span.within(() => source.next());
      if (next.done === true) {
        outcome = 'ok';
        return next.value;
      }
      onEach(next.value);
      yield next.value;
    }
  } catch (error) {
    [outcome, failure] = [outcomeOf(error), error];
    throw error;
  } finally {
    if (outcome === 'left') await source.return(undefined as R).catch(() => undefined);
    span.close(failure);
    stop(outcome);
  }
}
