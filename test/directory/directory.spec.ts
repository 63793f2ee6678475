import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DIRECTORY_TOPIC, readDirectoryMessage } from '../../src/directory/directory.contract.js';
import { holdsFrom } from '../../src/directory/directory-change.js';
import { Poison } from '../../src/kernel/poison.js';
import { DIRECTORY_TOPICS } from '../../src/directory/topics.contract.js';
import { teamsOf } from '../../src/directory/membership.js';
import { memberMessage, resourceMessage, toldMessage } from '../support/directory.js';

describe('The teams somebody is in', () => {
  it('are those the directory tells, and those of a token where it tells nothing of a person', () => {
    expect(teamsOf({ told: ['red'], shown: ['blue'] }, false)).toEqual(['red']);
    expect(teamsOf({ told: [], shown: ['blue'] }, false)).toEqual([]);
    expect(teamsOf({ told: null, shown: ['blue'] }, false)).toEqual(['blue']);
  });

  it('are both in development, where anybody makes tokens', () => {
    expect(teamsOf({ told: ['red'], shown: ['blue', 'red'] }, true)).toEqual(['red', 'blue']);
    expect(teamsOf({ told: null, shown: ['blue'] }, true)).toEqual(['blue']);
  });
});

describe('A message of the directory', () => {
  it('tells the teams of a person', () => {
    expect(readDirectoryMessage(memberMessage('ada', ['red'], { time: '2026-11-01T10:00:00+01:00' }))).toEqual({
      id: expect.stringMatching(/^test \S+$/),
      change: { of: 'member', id: 'ada', teams: ['red'], at: '2026-11-01T09:00:00.000Z' },
    });
  });

  it('tells what a resource is', () => {
    expect(readDirectoryMessage(resourceMessage('oak', ['red'], { kind: 'room', name: 'Oak', capacity: 8 }))?.change).toMatchObject({
      of: 'resource',
      id: 'oak',
      resource: { kind: 'room', name: 'Oak', capacity: 8, timeZone: null, teams: ['red'] },
    });
  });

  it('takes out what its key names when it has no value, and is known by its place', () => {
    const gone = (key: string) => readDirectoryMessage({ ...toldMessage(key, null), partition: 2, offset: 7n });
    expect(gone('member:ada')).toMatchObject({ id: `${DIRECTORY_TOPIC}/2/7`, change: { of: 'removed member', id: 'ada' } });
    expect(gone('resource:oak')).toMatchObject({ change: { of: 'removed resource', id: 'oak' } });
  });

  it('may be of a type and have members that this version does not know', () => {
    expect(readDirectoryMessage(toldMessage('floor:1', { specversion: '1.0', type: 'juy.directory.floor.v1' }))).toBeNull();
    expect(readDirectoryMessage(memberMessage('ada', [], { data: { nickname: 'x' } }))?.change).toMatchObject({ id: 'ada' });
  });

  it.each([
    ['no JSON', toldMessage('member:ada', '{'), 'directory.malformed'],
    ['no UTF-8', { ...toldMessage('member:ada', null), value: Uint8Array.of(0xff) }, 'directory.malformed'],
    ['no event', toldMessage('member:ada', { userId: 'ada' }), 'directory.malformed'],
    ['an id that no one can have', memberMessage('ada lovelace', []), 'directory.malformed'],
    ['no teams', memberMessage('ada', [], { data: { teams: 'red' } }), 'directory.malformed'],
    ['the key of another', { ...memberMessage('ada', []), key: 'member:ben' }, 'directory.key-differs'],
    ['no key', { ...memberMessage('ada', []), key: null }, 'directory.key-differs'],
    ['a key that names nothing, and no value', toldMessage('ada', null), 'directory.key-malformed'],
  ])('is poison with %s', (_, message, code) => {
    expect(() => readDirectoryMessage(message)).toThrow(new Poison(code));
  });

  it('is taken as the contract gives it for an example', () => {
    const messages = DIRECTORY_TOPICS.flatMap((each) => each.messages);
    expect(messages.map(({ schema, example }) => schema.safeParse(example).error)).toEqual([undefined, undefined]);
  });

  it('holds from the time it names, or its publication where its sender’s clock was ahead', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (named, published) => {
        const from = holdsFrom(named, published);
        expect(from <= published && (from === named || named > published)).toBe(true);
      }),
    );
  });
});
