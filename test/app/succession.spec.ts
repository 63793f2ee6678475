import { describe, expect, it } from '@jest/globals';
import { type WatchedConsumer } from '../../src/app/broker.js';
import { succession } from '../../src/app/succession.js';
import { prometheusMetrics } from '../../src/infra/telemetry/metrics.prometheus.js';
import { SILENT } from '../support/store.js';

const named = (name: string, message = ''): Error => Object.assign(new Error(message), { name });

/** A consumer as the succession sees it. `end`: it ends by itself; `stopped`: then it has stopped. */
const consumerOf = () => {
  let end: (error: Error) => void = () => undefined;
  let [stopped, begin] = [(): void => undefined, (): void => undefined];
  const ended = new Promise<never>((_, reject) => (end = reject));
  const stop = new Promise<void>((resolve) => (stopped = resolve));
  const begun = new Promise<void>((resolve) => (begin = resolve));
  let fetchedAt: number | null = null;
  const consumer = {
    ended,
    health: () => ({ ok: true, detail: 'reads 3 partitions' }),
    lags: () => new Map(),
    fetchedAt: () => fetchedAt,
  } as unknown as WatchedConsumer;
  const serve = async (): Promise<void> => {
    begin();
    try {
      await ended;
    } finally {
      await stop;
    }
  };
  const hear = (): void => {
    fetchedAt = 1_000;
  };
  return { consumer, serve, begun, hear, end, stopped };
};

/** Runs consumers that are made one after the other. */
const succeed = (all: readonly ReturnType<typeof consumerOf>[]) => {
  const [metrics, stopping] = [prometheusMetrics(), new AbortController()];
  const left = [...all];
  let serving = consumerOf();
  const { run, health } = succession({ metrics, log: SILENT, clock: { now: () => 5_000 } }, 'calendar');
  const running = run(
    () => {
      serving = left.shift() ?? serving;
      return serving.consumer;
    },
    () => serving.serve(),
    stopping.signal,
  );
  const stop = async (last: ReturnType<typeof consumerOf>): Promise<void> => {
    stopping.abort();
    last.end(new Error('told to stop'));
    last.stopped();
    await running;
  };
  const deaf = async (): Promise<string | undefined> => /^consumer_deaf{.*} (\d)$/m.exec(await metrics.page())?.[1];
  return { metrics, health, deaf, stop };
};

describe('sync-rule 34: a consumer that hears nothing', () => {
  it('is shown and counted, and replaced without an end, until a successor hears', async () => {
    const [first, second, third] = [consumerOf(), consumerOf(), consumerOf()] as const;
    const { metrics, health, deaf, stop } = succeed([first, second, third]);
    await first.begun;
    first.hear();
    expect([health(), await deaf()]).toEqual([{ ok: true, detail: 'reads 3 partitions' }, '0']);

    first.end(named('ConsumerDeaf'));
    await Promise.resolve();
    expect([health(), await deaf()]).toEqual([{ ok: false, detail: 'hears nothing, and is replaced' }, '1']);
    first.stopped();
    await second.begun;
    const waiting = { ok: false, isPartial: true, detail: 'a consumer that heard nothing was ended, and another begins' };
    expect([health(), await deaf()]).toEqual([waiting, '1']);

    second.end(named('ConsumerDeaf'));
    second.stopped();
    await third.begun;
    expect([health(), await deaf()]).toEqual([waiting, '1']);
    third.hear();
    expect([health(), await deaf()]).toEqual([{ ok: true, detail: 'reads 3 partitions' }, '0']);
    expect(await metrics.page()).toContain('consumer_replaced_total{group="calendar",reason="deaf"} 2');
    await stop(third);
  });

  it.each([
    [
      'OffsetsOutside',
      'rooms.v1/0 lacks messages',
      'offsets',
      'stopped: rooms.v1/0 lacks messages; npm run kafka:offsets -- --accept goes on with what is there',
    ],
    ['ConsumerEnded', 'there is no topic rooms.v1', 'ended', 'there is no topic rooms.v1'],
    ['KafkaJSConnectionError', 'of 127.0.0.1', 'brokers', 'the brokers cannot be reached'],
  ])('is another thing than one that ends by %s', async (name, message, reason, detail) => {
    const one = consumerOf();
    const { metrics, health, deaf, stop } = succeed([one]);
    await one.begun;
    one.hear();
    one.end(named(name, message));
    one.stopped();
    while (health().ok) await new Promise(setImmediate);
    expect([health(), await deaf()]).toEqual([{ ok: false, isPartial: true, detail }, '0']);
    expect(await metrics.page()).toContain(`consumer_replaced_total{group="calendar",reason="${reason}"} 1`);
    await stop(one);
  });
});
