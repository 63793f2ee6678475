import { describe, expect, it } from '@jest/globals';
import { readDirectoryMessage } from '../../src/directory/directory.contract.js';
import { importOf } from '../../src/directory/import.contract.js';
import { toldMessage } from '../support/directory.js';

let count = 0;
const stamp = { at: '2026-11-01T00:00:00.000Z', uuid: () => `id ${(count += 1)}` };

const FILE = `{"userId":"ada","teams":["red","blue"]}
{"resourceId":"oak","kind":"room","name":"Oak","capacity":8,"teams":["red"]}

{"removed":"member:ben"}
`;

describe('A file of the directory', () => {
  it('becomes a message for each line, as the consumer of the topic reads it', () => {
    const { messages, ...told } = importOf(FILE, stamp);
    expect(told).toEqual({ members: 1, resources: 1, removed: 1, mistakes: [] });
    expect(new Set(messages.map(({ id }) => id)).size).toBe(3);
    expect(messages.map(({ key, value }) => readDirectoryMessage(toldMessage(key, value))?.change)).toMatchObject([
      { of: 'member', id: 'ada', teams: ['red', 'blue'], at: stamp.at },
      { of: 'resource', id: 'oak', resource: { name: 'Oak', capacity: 8 } },
      { of: 'removed member', id: 'ben' },
    ]);
  });

  it.each([
    ['{', 'is no JSON'],
    ['[]', 'is no member'],
    ['{"userId":"ada lovelace","teams":[]}', 'is no member'],
    ['{"userId":"ada","team":"red"}', 'is no member'],
    ['{"userId":"ada","teams":[],"role":"x"}', 'is no member'],
    ['{"removed":"ada"}', 'is no member'],
  ])('with the line %s is refused, and told which line it is without quoting it', (line, mistake) => {
    const { mistakes } = importOf(`${FILE}${line}`, stamp);
    expect(mistakes).toEqual([expect.stringMatching(new RegExp(`^line 5 ${mistake}`))]);
    expect(mistakes[0]).not.toContain('ada');
  });
});
