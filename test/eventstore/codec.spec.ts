import { describe, expect, it } from '@jest/globals';
import { type AccountEvent } from '../../src/calendar/account-events.js';
import { calendarCodec, feedCodec } from '../../src/calendar/calendar.codec.js';
import { connectionCodec } from '../../src/connection/connection.codec.js';
import { anyOf } from '../../src/infra/codec.zod.js';

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
    ['a field nobody knows', { ...toggled, title: 'secretly' }],
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

describe('A combined codec', () => {
  const both = anyOf<AccountEvent>(connectionCodec, calendarCodec);

  it('reads what any of its codecs reads', () => {
    expect(both.reads).toEqual([...connectionCodec.reads, ...calendarCodec.reads]);
    expect(both.decode('WriteToggled.v1', toggled)).toEqual({ type: 'WriteToggled', ...toggled });
    expect(both.decode('ConnectionPurged.v1', { userId: 'ada', at })).toEqual({ type: 'ConnectionPurged', userId: 'ada', at });
    expect(() => both.decode('DeltaSynced.v1', {})).toThrow('no codec reads DeltaSynced.v1');
  });

  it('writes nothing', () => {
    expect(() => both.encode({ type: 'SyncRecovered', at })).toThrow('only reads');
  });
});
