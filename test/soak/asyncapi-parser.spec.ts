import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { describeTopics } from '../../src/app/topics.js';
import { moduleOf } from '../support/npm-package.js';

type Diagnostic = Readonly<{ code: string | number; message: string; path: readonly (string | number)[] }>;
type Parser = Readonly<{ parse: (text: string) => Promise<Readonly<{ document?: unknown; diagnostics: readonly Diagnostic[] }>> }>;

/** Advice: that AsyncAPI has a newer version. Tools for 3.0 are the more common ones. */
const ADVICE = 'asyncapi-latest-version';

/** What it finds wrong, advice left out, and whether it accepts the document. */
const judged = async (described: object): Promise<Readonly<{ wrong: readonly string[]; isAccepted: boolean }>> => {
  const { default: module } = (await moduleOf('@asyncapi/parser', '3.6.6', join('cjs', 'index.js'))) as Readonly<{
    default: Readonly<{ Parser: new () => Parser }>;
  }>;
  const { document, diagnostics } = await new module.Parser().parse(JSON.stringify(described));
  const wrong = diagnostics.filter(({ code }) => code !== ADVICE);
  return { wrong: wrong.map(({ path, message }) => `${path.join('/')}: ${message}`), isAccepted: document !== undefined };
};

describe('AsyncAPI’s own parser', () => {
  it.each([
    ['no broker', null],
    [
      'a cluster',
      { brokers: ['kafka.example:9093'], tls: { ca: null }, sasl: { mechanism: 'plain' as const, username: 'a', password: 'b' } },
    ],
  ])('accepts the document of the topics with %s, and warns of nothing that is wrong', async (_, kafka) => {
    expect(await judged(describeTopics(kafka))).toEqual({ wrong: [], isAccepted: true });
  });

  it('would refuse another', async () => {
    const { wrong, isAccepted } = await judged({ ...describeTopics(null), operations: { x: { action: 'shout' } } });
    expect([wrong.length > 0, isAccepted]).toEqual([true, false]);
  });
});
