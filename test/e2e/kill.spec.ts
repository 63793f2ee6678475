import { beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { instancesIn, lines } from '../support/oracle.js';
import { suiteResources } from '../support/opened.js';
import { type Radicale, startRadicale } from '../support/radicale.js';
import { randomFrom, seedCalendar } from '../support/seed.js';
import { type Client, type Service, startService } from '../support/service.js';
import { eventually } from '../support/store.js';
import { today, WHOLE_WINDOW, wholeWindow } from '../support/whole-window.js';

const SEED = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000);
const KILLS = 20;
const EVENTS = 5_000;
/** Longest time into a reading before the kill, in milliseconds: a first reading of so many events takes some three seconds. */
const LONGEST = 3_000;

type Claim = Readonly<{ epoch: string; begun: boolean }>;

describe(`A service killed at ${KILLS} moments of reading ${EVENTS} events (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  const objects = seedCalendar({ events: EVENTS, seed: SEED, from: new Date(today) });
  let firstReadings = 0;
  const opened = suiteResources();
  let radicale: Radicale;
  let service: Service;
  let me: Client;

  beforeAll(async () => {
    radicale = await opened(startRadicale());
    service = await opened(startService());
    await radicale.seed(await radicale.makeCalendar('work'), objects);
    me = await service.as('ada');
    await me.connect(radicale);
  });

  /** The epoch of the reading that is under way; 0 when there is none. */
  const reading = async (): Promise<bigint> => {
    const [claim] = await service.rows<Claim>('select epoch, claimed_until > now() as begun from sync_state');
    return claim?.begun === true ? BigInt(claim.epoch) : 0n;
  };

  const isOver = async (): Promise<boolean> => (await service.rows('select 1 from sync_state where cursor is not null')).length > 0;

  it('starts again each time', async () => {
    for (let [kills, before] = [0, 0n]; kills < KILLS;) {
      if (await isOver()) await me.request('POST', '/v1/calendar/sync', { full: true });
      const epoch = await eventually('a reading has begun', async () => {
        const now = await reading();
        return now > before ? now : null;
      });
      before = epoch;
      await sleep(random.below(LONGEST));
      // One that was quicker proves nothing.
      if ((await reading()) !== epoch) continue;
      if (!(await isOver())) firstReadings += 1;
      await service.kill();
      await service.restart();
      kills += 1;
    }
  }, 600_000);

  it('has read everything soon after the last start, nothing lost and nothing doubled', async () => {
    const started = performance.now();
    await me.settled();
    process.stdout.write(
      `${firstReadings} of ${KILLS} kills met a first reading, the others a later one; read whole ${Math.round(performance.now() - started)} ms after the last start\n`,
    );
    const shown = await me.events(WHOLE_WINDOW);
    expect(new Set(shown.map(({ id }) => id)).size).toBe(shown.length);
    expect(lines(shown)).toEqual(lines([...objects.values()].flatMap((ics) => instancesIn(ics, wholeWindow))));
  });

  it('goes on from there as if nothing had happened', async () => {
    expect(await me.sync()).toMatchObject({ state: 'done', done: 0 });
  });
});
