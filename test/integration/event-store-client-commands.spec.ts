import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { handle } from '../../src/kernel/commands.js';
import { type Decider } from '../../src/kernel/decider.js';
import { connectEventStore } from '../../src/infra/eventstore/event-store.client.js';
import { Contended, type EventStore, WrongRevision } from '../../src/kernel/event-store.js';
import { Refused } from '../../src/kernel/refused.js';
import { metadata, noted, type Noted, notes, openStores, SILENT, type Stores } from '../support/store.js';

type Note = Readonly<{ type: 'Note'; text: string }>;

/** Notes each text once; two at once when they are written with a plus sign. */
const notebook: Decider<readonly string[], Note, Noted> = {
  category: 'notebook',
  initial: [],
  decide: (written, { text }) => {
    if (text === '') throw new Refused('note.empty');
    return text
      .split('+')
      .filter((each) => !written.includes(each))
      .map(noted);
  },
  evolve: (written, { text }) => [...written, text],
};

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores.stop());

type Options = Readonly<{ commandId?: string; ifMatch?: bigint; store?: EventStore }>;

const note = (id: string, text: string, { commandId, ifMatch, store = stores.store }: Options = {}) =>
  handle(store, notebook, notes, { id, command: { type: 'Note', text }, metadata: metadata(commandId), ifMatch: ifMatch ?? null });

/** A store where somebody else is quicker, so many times. */
const contested = (times: number): EventStore => {
  let left = times;
  return {
    ...stores.store,
    append: async (stream, ...rest) => {
      if (left > 0) {
        left -= 1;
        await stores.store.append(stream, null, [noted(`rival ${left}`)], notes, metadata());
      }
      return stores.store.append(stream, ...rest);
    },
  };
};

const written = async (id: string): Promise<readonly string[]> =>
  (await stores.store.load(`notebook-${id}`, notes)).map(({ text }) => text);

describe('A command', () => {
  it('appends what is decided and answers where stream and log stand then, and the new state', async () => {
    const id = randomUUID();
    const first = await note(id, 'a+b');
    expect(first).toEqual({ revision: 1n, position: expect.any(BigInt), state: ['a', 'b'] });
    expect(await note(id, 'c')).toMatchObject({ revision: 2n, state: ['a', 'b', 'c'] });
  });

  it('that changes nothing writes nothing and says so', async () => {
    const id = randomUUID();
    expect(await note(id, 'a')).toMatchObject({ revision: 0n });
    expect(await note(id, 'a')).toEqual({ revision: 0n, position: null, state: ['a'] });
  });

  it('that comes twice is recognised and answers what it answered first', async () => {
    const [id, commandId] = [randomUUID(), randomUUID()];
    const first = await note(id, 'a+b', { commandId });
    expect(await note(id, 'a+b', { commandId })).toEqual(first);
    expect(await written(id)).toEqual(['a', 'b']);
  });

  it('that comes twice is recognised also when other events have followed and it would do something else now', async () => {
    const [id, commandId] = [randomUUID(), randomUUID()];
    const { revision, position } = await note(id, 'a', { commandId });
    await note(id, 'b');
    expect(await note(id, 'c', { commandId })).toMatchObject({ revision, position });
    expect(await note(id, 'a', { commandId, ifMatch: -1n })).toMatchObject({ revision, position });
    expect(await written(id)).toEqual(['a', 'b']);
  });

  it('that is refused writes nothing', async () => {
    const id = randomUUID();
    await expect(note(id, '')).rejects.toEqual(new Refused('note.empty'));
    expect(await written(id)).toEqual([]);
  });

  it('that loses races is decided again on the newer state, eleven times at most, and is then told from one that was refused', async () => {
    const id = randomUUID();
    const rivals = Array.from({ length: 11 }, (_, index) => `rival ${10 - index}`);
    expect(await note(id, 'a', { store: contested(11) })).toMatchObject({ revision: 11n, state: [...rivals, 'a'] });
    const another = randomUUID();
    await expect(note(another, 'a', { store: contested(100) })).rejects.toEqual(new Contended(`notebook-${another}`));
    expect(await written(another)).toHaveLength(12);
  });

  it('of many that are sent at once for one stream, by several processes, each is done', async () => {
    const id = randomUUID();
    const texts = Array.from({ length: 150 }, (_, index) => `note ${index}`);
    const others = [0, 1].map(() => connectEventStore(stores.engines.eventStoreUrl, randomUUID, SILENT));
    const processes = [stores.store, ...others.map(({ store }) => store)];
    await Promise.all(texts.map((text, index) => note(id, text, { store: processes[index % processes.length] ?? stores.store })));
    await Promise.all(others.map(({ close }) => close()));
    expect((await written(id)).toSorted()).toEqual(texts.toSorted());
  });

  it('of two that are sent at once, both are done', async () => {
    const id = randomUUID();
    await Promise.all(['a', 'b', 'c'].map((text) => note(id, text)));
    expect((await written(id)).toSorted()).toEqual(['a', 'b', 'c']);
  });

  it('sent twice at once is done once', async () => {
    const [id, commandId] = [randomUUID(), randomUUID()];
    const [one, other] = await Promise.all([note(id, 'a+b', { commandId }), note(id, 'a+b', { commandId })]);
    expect(one).toEqual(other);
    expect(await written(id)).toEqual(['a', 'b']);
  });

  it('that names the revision it saw is done at that revision alone', async () => {
    const id = randomUUID();
    await note(id, 'a');
    expect(await note(id, 'b', { ifMatch: 0n })).toMatchObject({ revision: 1n });
    await expect(note(id, 'c', { ifMatch: 0n })).rejects.toEqual(new WrongRevision(`notebook-${id}`, 0n));
    await expect(note(id, 'a', { ifMatch: 0n })).rejects.toBeInstanceOf(WrongRevision);
  });

  it('that names the revision it saw is not decided again when it loses a race', async () => {
    const id = randomUUID();
    await note(id, 'a');
    await expect(note(id, 'b', { ifMatch: 0n, store: contested(1) })).rejects.toBeInstanceOf(WrongRevision);
    expect(await written(id)).toEqual(['a', 'rival 0']);
  });
});
