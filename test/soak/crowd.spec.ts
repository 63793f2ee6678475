import { beforeAll, describe, expect, it } from '@jest/globals';
import { figuresOf } from '../../bench/crowd.report.js';
import { type Found, soakCrowd } from '../../bench/crowd.soak.js';

const SEED = Number(process.env['CROWD_SEED'] ?? Date.now() % 100_000);
const STRENGTH = { connections: 36, events: 50, minutes: 0.5, changesPerSecond: 10, faults: 0.2, kills: 1, seed: SEED };

// How quick and how large things are is judged by the long run alone (`npm run soak:crowd`).
describe(`${STRENGTH.connections} connections of mixed providers, whose calendars go on changing while everything goes wrong (seed ${SEED})`, () => {
  let found: Found;

  beforeAll(async () => {
    const say = (line: string): void => void process.stdout.write(`${line}\n`);
    found = await soakCrowd(STRENGTH, say);
    say(figuresOf(found));
  }, 600_000);

  it('show in the end what their calendars have, each occurrence once', () => {
    expect([found.compared.wrong, found.compared.doubled, found.compared.unhealthy]).toEqual([[], 0, []]);
    expect(found.compared.occurrences).toBeGreaterThan(STRENGTH.connections * STRENGTH.events);
  });

  it('are not asked for anything once they are revoked', () => {
    expect(found.troubles.revoked).toBeGreaterThan(0);
    expect(found.afterRevoke).toEqual([]);
  });

  it('have met every kind of trouble', () => {
    const { asked, pushes, troubles } = found;
    expect(Object.entries({ ...asked, ...pushes, ...troubles }).filter(([, count]) => count === 0)).toEqual([]);
  });
});
