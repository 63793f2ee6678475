import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { type Consumer, host } from '../../src/app/consumers.js';
import { SILENT } from '../support/store.js';

@Module({})
class Host {}

/** A consumer whose transport does nothing; `end` is how it ends by itself. */
const consumerOf = (more: Partial<Consumer> = {}) => {
  let end: (error: Error) => void = () => undefined;
  const ended = new Promise<never>((_, reject) => (end = reject));
  ended.catch(() => undefined);
  let [isListening, isClosed] = [(): void => undefined, false];
  const listening = new Promise<void>((resolve) => (isListening = resolve));
  const consumer: Consumer = {
    strategy: {
      listen: (callback: () => void) => {
        callback();
        isListening();
      },
      close: () => Promise.resolve(),
    },
    inspect: () => Promise.resolve(),
    ended,
    close: () => {
      isClosed = true;
      return Promise.resolve();
    },
    ...more,
  };
  return { consumer, end, listening, isClosed: () => isClosed };
};

const run = (consumer: Consumer, signal: AbortSignal): Promise<void> => host({ module: Host }, consumer, SILENT, signal);

describe('The host of a consumer', () => {
  it('leaves no listener behind when the consumer ends, however many follow each other', async () => {
    const { signal } = new AbortController();
    for (let count = 0; count < 3; count += 1) {
      const { consumer, end, listening, isClosed } = consumerOf();
      const running = run(consumer, signal);
      await listening;
      end(new Error('by itself'));
      await expect(running).rejects.toThrow('by itself');
      expect([isClosed(), getEventListeners(signal, 'abort').length]).toEqual([true, 0]);
    }
  });

  it.each<[string, Partial<Consumer>]>([
    ['a look at topics', { inspect: () => new Promise<void>(() => undefined) }],
    ['the brokers', { strategy: { listen: () => undefined, close: () => Promise.resolve() } }],
  ])('stops without waiting for %s', async (_, more) => {
    const stopping = new AbortController();
    const { consumer, isClosed } = consumerOf(more);
    const running = run(consumer, stopping.signal);
    stopping.abort();
    await running;
    expect([isClosed(), getEventListeners(stopping.signal, 'abort').length]).toEqual([true, 0]);
  });

  it('ends with a consumer that ends before it listens', async () => {
    const { consumer, end, isClosed } = consumerOf({ strategy: { listen: () => undefined, close: () => Promise.resolve() } });
    const running = run(consumer, new AbortController().signal);
    end(new Error('by itself'));
    await expect(running).rejects.toThrow('by itself');
    expect(isClosed()).toBe(true);
  });
});
