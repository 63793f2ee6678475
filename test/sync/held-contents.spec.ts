import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type DeltaSynced, type Upsert } from '../../src/sync/feed.js';
import { HeldContents } from '../../src/sync/held-contents.js';

const upsertOf = (ref: string, hash: string): Upsert => ({
  ref,
  series: ref,
  changed: true,
  hash,
  components: [],
  zones: {},
  eventType: 'default',
  meeting: null,
  problems: [],
  sealed: hash,
});

const NOTHING: DeltaSynced = {
  type: 'DeltaSynced',
  calendarId: 'a',
  userId: 'ada',
  generation: 1,
  window: { start: '2026-01-01T00:00:00.000Z', end: '2027-01-01T00:00:00.000Z' },
  upserts: [],
  removals: [],
  kept: [],
  final: false,
  at: '2026-03-01T00:00:00.000Z',
};

/** What a reader of the whole feed holds, by the rules that read models apply. */
const heldBy = (parts: readonly DeltaSynced[]): ReadonlyMap<string, string> => {
  let held = new Map<string, { hash: string; generation: number }>();
  for (const { upserts, removals, kept, generation, final } of parts) {
    for (const ref of kept) held.set(ref, { ...(held.get(ref) ?? { hash: '' }), generation });
    for (const ref of removals) held.delete(ref);
    for (const { ref, hash } of upserts) held.set(ref, { hash, generation });
    if (final) held = new Map([...held].filter(([, object]) => object.generation >= generation));
  }
  return new Map([...held].flatMap(([ref, { hash }]) => (hash === '' ? [] : [[ref, hash]])));
};

const found = (parts: readonly DeltaSynced[], wanted: ReadonlySet<string>): ReadonlyMap<string, string> => {
  const contents = new HeldContents(wanted);
  for (const part of parts) contents.take(part);
  const held = parts.flatMap(({ upserts }, index) => contents.heldOf(index, upserts).map(({ ref, hash }) => [ref, hash] as const));
  expect(held.length === 0).toBe(contents.isEmpty);
  return new Map(held);
};

describe('The contents that are held of objects at the end of a feed', () => {
  const refs = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'));
  const part = fc.record({ brought: refs, removals: refs, kept: refs, renews: fc.boolean(), final: fc.boolean() });

  it('are those that a reader has who applied all of it, of the objects that are asked for alone', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd')), (drawn, asked) => {
        let generation = 1;
        const parts = drawn.map(({ brought, removals, kept, renews, final }, index): DeltaSynced => {
          generation += renews ? 1 : 0;
          return {
            ...NOTHING,
            ...{ generation, kept, final, removals: removals.filter((ref) => !brought.includes(ref)) },
            upserts: brought.map((ref) => upsertOf(ref, `${ref}${index}`)),
          };
        });
        const wanted = new Set<string>(asked);
        expect(new Map([...found(parts, wanted)].sort())).toEqual(new Map([...heldBy(parts)].filter(([ref]) => wanted.has(ref)).sort()));
      }),
    );
  });
});
