import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { breaksOf, isCompatible } from '../../src/relay/compatibility.js';
import { publishedSchema } from '../../src/relay/published-schema.contract.js';
import { DIRECTORY_TOPICS } from '../../src/directory/topics.contract.js';
import { RELAY_TOPICS } from '../../src/relay/topics.contract.js';

const TOPICS = [...RELAY_TOPICS, ...DIRECTORY_TOPICS];

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const fileOf = (topic: string): string => `kafka/contracts/${topic}.json`;
type Schema = Readonly<Record<string, unknown>>;
const committed = (topic: string): Schema => JSON.parse(readFileSync(`${ROOT}/${fileOf(topic)}`, 'utf8')) as Schema;

const git = (...args: readonly string[]): string =>
  execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

/** The contract as the last commits have it that changed it: the one of now, and the one before. None where there is no history. */
const earlier = (topic: string): readonly Schema[] => {
  try {
    const commits = git('log', '-n', '2', '--format=%H', '--', fileOf(topic)).split('\n').filter(Boolean);
    return commits.map((commit) => JSON.parse(git('show', `${commit}:${fileOf(topic)}`)) as Schema);
  } catch {
    return [];
  }
};

describe('The contract of a topic', () => {
  it.each(TOPICS)('$topic stands in its file as the code has it', (contract) => {
    expect(committed(contract.topic)).toEqual(JSON.parse(JSON.stringify(publishedSchema(contract))));
  });

  it.each(TOPICS)('$topic breaks nothing that consumers of an earlier version rely on', ({ topic }) => {
    for (const older of [committed(topic), ...earlier(topic)]) expect(breaksOf(older, committed(topic))).toEqual([]);
  });

  it.each(TOPICS)('$topic accepts its example of each message, with and without members that a newer version adds', (contract) => {
    const ajv = new Ajv2020({ allErrors: true });
    addFormats.default(ajv);
    const validate = ajv.compile(committed(contract.topic));
    for (const { type, example, schema } of contract.messages) {
      const message = example as { type: string; data: object };
      expect(schema.parse(example)).toEqual(example);
      expect(message.type).toBe(type);
      expect(validate(example) || validate.errors).toBe(true);
      expect(validate({ ...message, newer: 1, data: { ...message.data, newer: {} } })).toBe(true);
      expect(validate({ ...message, type: 'juy.calendar.unheard.v1' })).toBe(false);
      // What the code itself publishes is held to exactly the members it names; what others publish may have more.
      const isOurs = RELAY_TOPICS.includes(contract);
      expect(schema.safeParse({ ...message, data: { ...message.data, newer: 1 } }).success).toBe(!isOurs);
    }
  });

  it('has a file for each topic of the service, and no file is of none', () => {
    const ours = TOPICS.map(({ topic }) => `${topic}.json`).sort();
    expect(readdirSync(`${ROOT}/kafka/contracts`).sort()).toEqual(ours);
  });
});

describe('A newer contract', () => {
  const of = (...types: readonly Schema[]): Schema => ({ oneOf: types });
  const type = (title: string, properties: Schema, required: readonly string[]): Schema => ({
    title,
    type: 'object',
    properties,
    required,
  });
  const text = { type: 'string' };
  const older = of(type('met', { id: text, at: { type: 'object', properties: { place: text }, required: ['place'] } }, ['id', 'at']));

  it('may follow when it adds types of messages, members that may be missing, and words', () => {
    const at = { type: 'object', description: 'Where.', properties: { place: text, room: text }, required: ['place'] };
    expect(isCompatible(older, of(type('met', { id: text, at, note: text }, ['id', 'at']), type('left', {}, [])))).toBe(true);
    expect(isCompatible(older, older)).toBe(true);
  });

  const at = { type: 'object', properties: { place: text }, required: ['place'] };
  it.each([
    ['met is gone', of()],
    ['met.at is gone', of(type('met', { id: text }, ['id']))],
    ['met.id means something else', of(type('met', { id: { type: 'number' }, at }, ['id', 'at']))],
    ['met.id means something else', of(type('met', { id: { type: 'string', enum: ['a'] }, at }, ['id', 'at']))],
    ['met.id may be missing', of(type('met', { id: text, at }, ['at']))],
    ['met.note is demanded, which older messages lack', of(type('met', { id: text, at, note: text }, ['id', 'at', 'note']))],
    ['met.at.place may be missing', of(type('met', { id: text, at: { ...at, required: [] } }, ['id', 'at']))],
  ])('breaks the older one when %s', (sentence, newer) => {
    expect(breaksOf(older, newer)).toContain(sentence);
    expect(isCompatible(older, newer)).toBe(false);
  });
});
