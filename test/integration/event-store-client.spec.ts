import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { queryObjects } from 'node:v8';
import { EventStoreDBClient } from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Batch, type Position, UnknownEvent, UnreadableEvent, WrongRevision } from '../../src/kernel/event-store.js';
import { calendarCodec } from '../../src/calendar/calendar.codec.js';
import { type Decider } from '../../src/kernel/decider.js';
import { testEndings } from '../support/opened.js';
import { eventually, metadata, noted, type Noted, notes, openStores, type Stores } from '../support/store.js';

let stores: Stores;
beforeAll(async () => {
  // In a process of its own, which is killed.
  stores = await openStores({});
});
afterAll(() => stores.stop());
const atEnd = testEndings();

const fresh = (): string => `note${randomUUID().slice(0, 8)}-`;
const append = (stream: string, ...texts: readonly string[]) => stores.store.append(stream, null, texts.map(noted), notes, metadata());

/** Counts the notes of a stream `<category>-<id>`. */
const counter = (category: string): Decider<number, Noted, Noted> => ({
  category,
  initial: 0,
  decide: () => [],
  evolve: (count) => count + 1,
});
const standing = async (stream: string) => {
  const [category = '', id = ''] = stream.split('-');
  const { state, revision, handled } = await stores.store.stateOf(counter(category), notes, id);
  return { state, revision, handled };
};

const textsOf = (batches: readonly Batch<Noted>[]): readonly string[] =>
  batches.flatMap(({ events }) => events.map(({ event }) => event.text));

/** A follower that notes down what it is handed. */
const follower = (prefix: string, { after = null, work }: Readonly<{ after?: Position | null; work?: () => Promise<unknown> }> = {}) => {
  const aborting = new AbortController();
  const batches: Batch<Noted>[] = [];
  const ended = (async () => {
    for await (const batch of stores.store.follow([{ category: prefix.slice(0, -1), codec: notes }], after, aborting.signal)) {
      batches.push(batch);
      await work?.();
    }
  })();
  const stop = async (): Promise<void> => {
    aborting.abort();
    await ended;
  };
  atEnd(() => stop().catch(() => undefined));
  return {
    batches,
    ended,
    stop,
    until: (what: string, enough: (texts: readonly string[]) => boolean) => eventually(what, () => enough(textsOf(batches))),
  };
};

const killServer = async (): Promise<void> => {
  process.kill(Number(await readFile(join(stores.engines.dataDir, 'eventstore.pid'), 'utf8')), 'SIGKILL');
};

/** As every caller of the store does: what failed is asked again, what may have been stored is looked for first. */
const appendStubbornly = async (stream: string, text: string, revision: bigint): Promise<void> => {
  await eventually('the store takes it', async () => {
    try {
      if ((await stores.store.lastRevision(stream)) > revision) return true;
      await stores.store.append(stream, revision, [noted(text)], notes, metadata());
      return true;
    } catch {
      return false;
    }
  });
};

describe('A stream', () => {
  it('that holds an event of a newer version is not read in part', async () => {
    const stream = `${fresh()}a`;
    await append(stream, 'known');
    await stores.store.append(stream, null, [noted('')], { ...notes, encode: () => ({ type: 'Noted.v2', data: {} }) }, metadata());
    await expect(stores.store.load(stream, notes)).rejects.toEqual(new UnknownEvent('Noted.v2'));
  });

  it('costs no memory any more once it has been asked for its end, nor does the log', async () => {
    const { store } = stores;
    const stream = `${fresh()}1`;
    const { position } = await append(stream, 'first', 'second');
    const living = (): number => queryObjects(Readable, { format: 'count' });
    await store.lastRevision(stream);
    await sleep(100);
    const before = living();
    for (let round = 0; round < 50; round += 1)
      await Promise.all([store.lastRevision(stream), store.head(), store.following(null), store.following(position)]);
    await eventually('what was read is forgotten', () => living() < before + 20);
  });

  it('gives back its events, its revision, and how far the log stood after each command', async () => {
    const stream = `${fresh()}a`;
    const first = await stores.store.append(stream, -1n, [noted('a'), noted('b')], notes, metadata('first'));
    const second = await stores.store.append(stream, first.revision, [noted('c')], notes, metadata('second'));
    expect([first.revision, second.revision]).toEqual([1n, 2n]);
    expect(second.position).toBeGreaterThan(first.position);
    expect(await stores.store.load(stream, notes)).toEqual(['a', 'b', 'c'].map(noted));
    expect(await standing(stream)).toEqual({
      state: 3,
      revision: 2n,
      handled: new Map([
        ['first', first],
        ['second', second],
      ]),
    });
    expect(await stores.store.lastRevision(stream)).toBe(2n);
  });

  it('that was never written is empty, at revision -1', async () => {
    const stream = `${fresh()}never`;
    expect(await stores.store.load(stream, notes)).toEqual([]);
    expect(await standing(stream)).toEqual({ state: 0, revision: -1n, handled: new Map() });
    expect(await stores.store.lastRevision(stream)).toBe(-1n);
  });

  it('takes nothing from a writer who has not seen its end', async () => {
    const stream = `${fresh()}a`;
    await append(stream, 'a', 'b');
    const late = (expected: bigint) => stores.store.append(stream, expected, [noted('late')], notes, metadata());
    for (const expected of [-1n, 0n, 7n]) await expect(late(expected)).rejects.toEqual(new WrongRevision(stream, expected));
    expect(await stores.store.lastRevision(stream)).toBe(1n);
  });

  it('takes exactly one of many who write at once', async () => {
    const stream = `${fresh()}a`;
    const attempts = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => stores.store.append(stream, -1n, [noted(String(index))], notes, metadata())),
    );
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await stores.store.lastRevision(stream)).toBe(0n);
  });

  it('hides what lies before a truncation and goes on counting', async () => {
    const stream = `${fresh()}a`;
    await append(stream, 'a', 'b', 'c');
    await stores.store.truncateBefore(stream, 2n);
    expect(await stores.store.load(stream, notes)).toEqual([noted('c')]);
    expect(await standing(stream)).toMatchObject({ state: 1, revision: 2n });
    expect(await append(stream, 'd')).toMatchObject({ revision: 3n });
    await stores.store.truncateBefore(stream, 4n);
    expect(await stores.store.load(stream, notes)).toEqual([]);
    expect(await append(stream, 'e')).toMatchObject({ revision: 4n });
  });

  it('is cleared when it is where one thinks it is, and is then written like a new one that goes on counting', async () => {
    const stream = `${fresh()}a`;
    await append(stream, 'a', 'b');
    await expect(stores.store.clear(stream, 0n)).rejects.toEqual(new WrongRevision(stream, 0n));
    await stores.store.clear(stream, 1n);
    expect(await stores.store.load(stream, notes)).toEqual([]);
    expect(await standing(stream)).toMatchObject({ state: 0, revision: -1n });
    expect(await stores.store.lastRevision(stream)).toBe(-1n);
    expect(await stores.store.append(stream, -1n, [noted('c')], notes, metadata())).toMatchObject({ revision: 2n });
    expect(await stores.store.load(stream, notes)).toEqual([noted('c')]);
    expect(await standing(stream)).toMatchObject({ state: 1, revision: 2n });
  });

  it('is not read by a codec that does not know its events', async () => {
    const stream = `${fresh()}a`;
    await append(stream, 'a');
    await expect(stores.store.load(stream, calendarCodec)).rejects.toThrow('this version does not know Noted.v1');
  });
});

describe('A long stream', () => {
  const long = async () => {
    const stream = `${fresh()}long`;
    await append(stream, ...Array.from({ length: 150 }, (_, index) => String(index)));
    let decoded = 0;
    const counted: typeof notes = {
      ...notes,
      decode: (type, data) => {
        decoded += 1;
        return notes.decode(type, data);
      },
    };
    const [category = '', id = ''] = stream.split('-');
    const rules = counter(category);
    return {
      stream,
      /** How the stream stands, and how many events were read to say so. */
      ask: async (codec = counted) => {
        decoded = 0;
        const { state, revision } = await stores.store.stateOf(rules, codec, id);
        return { state, revision, read: decoded };
      },
    };
  };

  it('is read on from where it stood when it was last asked for, and not from its beginning', async () => {
    const { stream, ask } = await long();
    expect(await ask()).toEqual({ state: 150, revision: 149n, read: 150 });
    expect(await ask()).toEqual({ state: 150, revision: 149n, read: 1 });
    await append(stream, 'by another process', 'and one more');
    expect(await ask()).toEqual({ state: 152, revision: 151n, read: 3 });
  });

  it('whose reading breaks off is read on from there', async () => {
    const { stream, ask } = await long();
    await stores.store.append(stream, null, [noted('')], { ...notes, encode: () => ({ type: 'Noted.v2', data: {} }) }, metadata());
    await expect(ask()).rejects.toEqual(new UnknownEvent('Noted.v2'));
    const newer = { ...notes, reads: [...notes.reads, 'Noted.v2'], decode: () => noted('newer') };
    let decoded = 0;
    const counted = { ...newer, decode: () => ((decoded += 1), newer.decode()) };
    expect(await ask(counted)).toMatchObject({ state: 151, revision: 150n });
    expect(decoded).toBe(2);
  });

  it('that was cleared and written again holds what is new alone', async () => {
    const { stream, ask } = await long();
    await ask();
    await stores.store.clear(stream, 149n);
    expect(await ask()).toMatchObject({ state: 0, revision: -1n });
    await append(stream, 'new');
    await ask();
    await append(stream, ...Array.from({ length: 120 }, String));
    expect(await ask()).toMatchObject({ state: 121, revision: 270n });
    expect(await ask()).toMatchObject({ state: 121, revision: 270n, read: 1 });
  });

  it('answers a command that comes twice, up to a thousand commands later', async () => {
    const stream = `${fresh()}commands`;
    const first = await stores.store.append(stream, -1n, [noted('first')], notes, metadata('first'));
    const more = (count: number) => Promise.all(Array.from({ length: count }, (_, sent) => append(stream, String(sent))));
    await more(200);
    expect((await standing(stream)).handled.get('first')).toEqual(first);
    for (let round = 0; round < 9; round += 1) await more(100);
    const { handled } = await standing(stream);
    expect(handled.get('first')).toBeUndefined();
    expect(handled.size).toBe(1_000);
  });
});

describe('A follower', () => {
  it('is handed the past, then the present, in the order of the log, with who caused it', async () => {
    const prefix = fresh();
    await append(`${prefix}a`, 'a1', 'a2');
    const { revision, position } = await append(`${prefix}b`, 'b1');
    const following = follower(prefix);
    await following.until('the past is there', (texts) => texts.length === 3);
    await eventually('it is live', () => following.batches.at(-1)?.live);
    await append(`${prefix}a`, 'a3');
    await following.until('the present is there', (texts) => texts.length === 4);
    await following.stop();
    expect(textsOf(following.batches)).toEqual(['a1', 'a2', 'b1', 'a3']);
    const recorded = following.batches.flatMap(({ events }) => events);
    expect(recorded[2]).toMatchObject({
      stream: `${prefix}b`,
      revision,
      position,
      metadata: { actor: 'ada', correlationId: 'correlation', causationId: 'causation' },
    });
    expect(recorded[2]?.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(recorded[2]?.recordedAt).toMatch(/^\d{4}-.*Z$/);
  });

  it('goes on after the position it names', async () => {
    const prefix = fresh();
    const { position } = await append(`${prefix}a`, 'before');
    await append(`${prefix}a`, 'after');
    const following = follower(prefix, { after: position });
    await following.until('the rest is there', (texts) => texts.length === 1);
    await following.stop();
    expect(textsOf(following.batches)).toEqual(['after']);
  });

  it('is handed what has come while it was busy as one batch, all of it once', async () => {
    const prefix = fresh();
    const texts = Array.from({ length: 1_000 }, (_, index) => String(index));
    for (let from = 0; from < texts.length; from += 250) await append(`${prefix}a`, ...texts.slice(from, from + 250));
    // Long enough for a slow store to have sent the rest.
    const following = follower(prefix, { work: () => sleep(20) });
    await following.until('all is there', (seen) => seen.length >= texts.length);
    await following.stop();
    expect(textsOf(following.batches)).toEqual(texts);
    expect(following.batches.filter(({ events }) => events.length > 0).length).toBeLessThan(texts.length / 8);
  });

  it('says that it is live only when the past has been handed on', async () => {
    const prefix = fresh();
    const texts = Array.from({ length: 300 }, (_, index) => String(index));
    await append(`${prefix}a`, ...texts);
    const following = follower(prefix, { work: () => sleep(5) });
    await eventually('it is live', () => following.batches.at(-1)?.live);
    await following.stop();
    const past = following.batches.slice(0, following.batches.findIndex(({ live }) => live) + 1);
    expect(textsOf(past)).toEqual(texts);
  });

  it('of quiet streams moves on with the log, so that it need not look through all of it again', async () => {
    const prefix = fresh();
    const following = follower(prefix);
    await eventually('it is live', () => following.batches.at(-1)?.live);
    // The store says how far it has looked only now and then.
    const { position } = await append(`${fresh()}loud`, 'not for it');
    await append(`${fresh()}loud`, ...Array.from({ length: 200 }, () => 'not for it'));
    await eventually('it has moved', () => (following.batches.at(-1)?.position ?? -1n) >= position);
    await following.stop();
    expect(textsOf(following.batches)).toEqual([]);
  });

  it('never goes back, however its own events and those of others alternate', async () => {
    const [prefix, others] = [fresh(), fresh()];
    const following = follower(prefix, { work: () => sleep(20) });
    const texts: string[] = [];
    for (let round = 0; round < 30; round += 1) {
      texts.push(String(round));
      // Enough for the store to say how far it has looked, while the follower is still busy.
      await append(`${others}x`, ...Array.from({ length: 40 }, () => 'not for it'));
      await append(`${prefix}a`, String(round));
    }
    await following.until('all is there', (seen) => seen.length >= texts.length);
    await following.stop();
    expect(textsOf(following.batches)).toEqual(texts);
    const positions = following.batches.flatMap((batch) => (batch.position === null ? [] : [batch.position]));
    expect(positions).toEqual(positions.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
  });

  it('that is aborted ends, whether it waits or works', async () => {
    const waiting = follower(fresh());
    await eventually('it is live', () => waiting.batches.at(-1)?.live);
    await waiting.stop();
    await follower(fresh()).stop();
    const never = stores.store.follow([{ category: 'none', codec: notes }], null, AbortSignal.abort());
    expect(await never[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined });
  });

  it('stops at an event its codec cannot read', async () => {
    const prefix = fresh();
    await stores.store.append(
      `${prefix}a`,
      null,
      [noted('fine')],
      { ...notes, encode: () => ({ type: 'Noted.v1', data: { text: 42 } }) },
      metadata(),
    );
    await expect(follower(prefix).ended).rejects.toThrow('Noted.v1 does not match its schema at text');
  });

  it.each([
    ['of a name its codec does not know', { type: 'Noted.v2', data: { text: 'newer' } }, new UnknownEvent('Noted.v2')],
    ['its codec cannot read', { type: 'Noted.v1', data: { text: 42 } }, expect.any(UnreadableEvent)],
  ])('hands on everything before an event %s, and stops there', async (_, stored, failure) => {
    const prefix = fresh();
    await append(`${prefix}a`, 'first', 'second');
    await stores.store.append(`${prefix}b`, null, [noted('')], { ...notes, encode: () => stored }, metadata());
    await append(`${prefix}a`, 'third');
    const following = follower(prefix);
    await expect(following.ended).rejects.toEqual(failure);
    expect(textsOf(following.batches)).toEqual(['first', 'second']);
    expect(following.batches.at(-1)?.live).toBe(false);
  });

  it('is not held up by what the store itself writes into a stream', async () => {
    const prefix = fresh();
    await append(`${prefix}a`, 'first');
    const client = EventStoreDBClient.connectionString(stores.engines.eventStoreUrl);
    await client.tombstoneStream(`${prefix}a`);
    await client.dispose();
    await append(`${prefix}b`, 'second');
    const following = follower(prefix);
    await following.until('both are there', (seen) => seen.length >= 2);
    expect(textsOf(following.batches)).toEqual(['first', 'second']);
  });

  it('loses and doubles nothing when the store is killed again and again', async () => {
    const prefix = fresh();
    const following = follower(prefix);
    const texts = Array.from({ length: 60 }, (_, index) => String(index));
    for (const [index, text] of texts.entries()) {
      if (index % 20 === 10) await killServer();
      await appendStubbornly(`${prefix}a`, text, BigInt(index) - 1n);
    }
    await appendStubbornly(`${prefix}a`, 'last', BigInt(texts.length) - 1n);
    await following.until('the last is there', (seen) => seen.includes('last'));
    await following.stop();
    expect(textsOf(following.batches)).toEqual([...texts, 'last']);
  });
});
