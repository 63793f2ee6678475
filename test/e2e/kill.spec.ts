import { beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { instancesIn, lines } from '../support/oracle.js';
import { suiteResources } from '../support/opened.js';
import { type Radicale, startRadicale } from '../support/radicale.js';
import { randomFrom, seedCalendar } from '../support/seed.js';
import { type Client, type Service, startService } from '../support/service.js';
import { today, WHOLE_WINDOW, wholeWindow } from '../support/whole-window.js';

const SEED = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000);
const KILLS = 20;
const EVENTS = 5_000;
/** A first reading of so many events takes some three seconds; a moment later it may be over. */
const LONGEST = 3_000;

type Claim = Readonly<{ epoch: string; begun: boolean }>;

describe(`A service killed at ${KILLS} moments of its first reading of ${EVENTS} events (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  const objects = seedCalendar({ events: EVENTS, seed: SEED, from: new Date(today) });
  const interrupted: boolean[] = [];
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

  /** Waits until a worker has claimed the calendar anew. */
  const readingBegan = async (after: bigint): Promise<bigint> => {
    for (;;) {
      const [claim] = await service.rows<Claim>('select epoch, claimed_until > now() as begun from sync_state');
      if (claim?.begun === true && BigInt(claim.epoch) > after) return BigInt(claim.epoch);
      await sleep(20);
    }
  };

  const isOver = async (): Promise<boolean> => (await service.rows('select 1 from sync_state where cursor is not null')).length > 0;

  it('starts again each time', async () => {
    for (let kill = 0, epoch = 0n; kill < KILLS; kill += 1) {
      if (await isOver()) await me.request('POST', '/v1/calendar/sync', { full: true });
      epoch = await readingBegan(epoch);
      await sleep(random.below(LONGEST));
      interrupted.push(!(await isOver()));
      await service.kill();
      await service.restart();
    }
    // Nearly every kill must have met the reading at work, or this proves nothing.
    expect(interrupted.filter(Boolean).length).toBeGreaterThan(KILLS / 2);
  }, 400_000);

  it('has read everything soon after the last start, nothing lost and nothing doubled', async () => {
    const started = performance.now();
    await me.settled();
    process.stdout.write(
      `${interrupted.filter(Boolean).length} of ${KILLS} kills met a first reading; read whole ${Math.round(performance.now() - started)} ms after the last start\n`,
    );
    const shown = await me.events(WHOLE_WINDOW);
    expect(new Set(shown.map(({ id }) => id)).size).toBe(shown.length);
    expect(lines(shown)).toEqual(lines([...objects.values()].flatMap((ics) => instancesIn(ics, wholeWindow))));
  });

  it('goes on from there as if nothing had happened', async () => {
    expect(await me.sync()).toMatchObject({ state: 'done', done: 0 });
  });
});
