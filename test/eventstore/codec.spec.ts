import { describe, expect, it } from '@jest/globals';
import { calendarCodec } from '../../src/calendar/calendar.codec.js';
import { feedCodec } from '../../src/sync/feed.codec.js';
import { z } from 'zod';
import { codecOf } from '../../src/infra/codec.zod.js';

const at = '2026-11-22T10:00:00.000Z';
const toggled = { mode: 'write', at };

const messageOf = (attempt: () => unknown): string => {
  try {
    attempt();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('nothing was refused');
};

describe('A codec', () => {
  it('reads an event by its stored name and writes it under that name again', () => {
    const event = { type: 'WriteToggled', mode: 'write', at } as const;
    expect(calendarCodec.encode(event)).toEqual({ type: 'WriteToggled.v1', data: toggled });
    expect(calendarCodec.decode('WriteToggled.v1', toggled)).toEqual(event);
  });

  it.each([
    ['a value that is none of the known ones', { ...toggled, mode: 'secretly' }],
    ['a field that is missing', { mode: 'write' }],
    ['an unknown field', { ...toggled, title: 'secretly' }],
    ['a time that is none', { ...toggled, at: 'secretly' }],
    ['no object', 'secretly'],
    ['nothing', null],
  ])('refuses %s and does not quote it', (_, data) => {
    const message = messageOf(() => calendarCodec.decode('WriteToggled.v1', data));
    expect(message).toMatch(/^WriteToggled\.v1 does not match its schema/);
    expect(message).not.toContain('secretly');
  });

  it('says where in the event it did not match', () => {
    const data = { calendarId: 'mine', userId: 'ada', upserts: [{ ref: 1 }] };
    const message = messageOf(() => feedCodec.decode('DeltaSynced.v1', data));
    for (const place of ['calendarId', 'upserts.0.ref', 'final']) expect(message).toContain(place);
  });

  it('refuses a name it does not know: a reader must not skip what it cannot read', () => {
    expect(() => calendarCodec.decode('WriteToggled.v9', toggled)).toThrow('no codec reads WriteToggled.v9');
  });
});

describe('A codec of an event that has had other shapes', () => {
  type Moved = Readonly<{ type: 'Moved'; to: string; by: string | null; far: boolean }>;
  const [first, second] = [z.strictObject({ to: z.string() }), z.strictObject({ to: z.string(), by: z.string() })];
  const schemas = {
    'Moved.v1': first,
    'Moved.v2': second,
    'Moved.v10': z.strictObject({ to: z.string(), by: z.string().nullable(), far: z.boolean() }),
  };
  const lifts = {
    'Moved.v1': ({ to }: z.output<typeof first>) => ({ to, by: null, far: false }),
    'Moved.v2': ({ to, by }: z.output<typeof second>) => ({ to, by, far: false }),
  };
  const codec = codecOf<Moved, { Moved: 10 }>(schemas, lifts);

  it('reads every version as the newest', () => {
    expect(codec.reads).toEqual(['Moved.v1', 'Moved.v2', 'Moved.v10']);
    expect(codec.decode('Moved.v1', { to: 'Rome' })).toEqual({ type: 'Moved', to: 'Rome', by: null, far: false });
    expect(codec.decode('Moved.v2', { to: 'Rome', by: 'ada' })).toEqual({ type: 'Moved', to: 'Rome', by: 'ada', far: false });
    expect(codec.decode('Moved.v10', { to: 'Rome', by: null, far: true })).toEqual({ type: 'Moved', to: 'Rome', by: null, far: true });
  });

  it('holds what is stored to the schema of its own version, and to no other', () => {
    expect(() => codec.decode('Moved.v1', { to: 'Rome', by: 'ada' })).toThrow('Moved.v1 does not match its schema');
    expect(() => codec.decode('Moved.v10', { to: 'Rome' })).toThrow('Moved.v10 does not match its schema');
  });

  it('writes the newest version', () => {
    const read = codec.decode('Moved.v1', { to: 'Rome' });
    expect(codec.encode(read)).toEqual({ type: 'Moved.v10', data: { to: 'Rome', by: null, far: false } });
  });

  it('is not made while a version cannot be brought to the newest', () => {
    expect(() => codecOf<Moved, { Moved: 10 }>(schemas, { 'Moved.v1': lifts['Moved.v1'] })).toThrow('Moved.v2');
    expect(() => codecOf<Moved, { Moved: 10 }>(schemas, { ...lifts, 'Moved.v10': (moved: never) => moved })).toThrow('Moved.v10');
  });
});
