import { type EventStore } from '../../kernel/event-store.js';
import { type Metrics } from '../../kernel/metrics.js';
import { observe } from '../telemetry/observe.otel.js';

const step = (operation: string) => ({
  metric: 'event_store',
  help: 'Time an operation of the event store took',
  span: `event store ${operation}`,
  labels: { operation },
});

/** The same store, measured and traced. Spans of appends carry the correlation id that the events carry. */
export const observedStore = (store: EventStore, metrics: Metrics): EventStore => {
  const appended = metrics.counter('events_appended_total', 'Events appended to the log, by their first version', ['type']);
  return {
    ...store,
    load: (stream, codec) => observe(metrics, step('load'), () => store.load(stream, codec)),
    stateOf: (decider, codec, id) => observe(metrics, step('load'), () => store.stateOf(decider, codec, id)),
    append: async (stream, expected, events, codec, metadata) => {
      const work = () => store.append(stream, expected, events, codec, metadata);
      const result = await observe(metrics, step('append'), work, { 'correlation.id': metadata.correlationId });
      for (const { type } of events) appended({ type });
      return result;
    },
    truncateBefore: (stream, revision) => observe(metrics, step('truncate'), () => store.truncateBefore(stream, revision)),
    clear: (stream, expected) => observe(metrics, step('clear'), () => store.clear(stream, expected)),
  };
};
