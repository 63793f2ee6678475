import { beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionView } from '../../src/connection/connection.contract.js';
import { instancesIn, lines } from '../support/oracle.js';
import { suiteResources } from '../support/opened.js';
import { type Radicale, startRadicale } from '../support/radicale.js';
import { randomFrom, seedCalendar } from '../support/seed.js';
import { type Client, type Service, startService } from '../support/service.js';
import { eventually } from '../support/store.js';
import { strength } from '../support/strength.js';
import { today, WHOLE_WINDOW, wholeWindow } from '../support/whole-window.js';

const SEED = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000);
const KILLS = strength(2, 20);
const EVENTS = strength(1_000, 5_000);

type Claim = Readonly<{ epoch: string; begun: boolean }>;

describe(`A service killed at ${KILLS} moments of reading ${EVENTS} events (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  const objects = seedCalendar({ events: EVENTS, seed: SEED, from: new Date(today) });
  const opened = suiteResources();
  let radicale: Radicale;
  let service: Service;
  let me: Client;
  /** Longest time into a reading before the kill, in milliseconds: as long as an undisturbed whole reading takes. */
  let longest = 0;
  let connected = 1;

  beforeAll(async () => {
    radicale = await opened(startRadicale());
    service = await opened(startService());
    await radicale.seed(await radicale.makeCalendar('work'), objects);
    const undisturbed = await service.as('grace');
    await undisturbed.connect(radicale);
    await undisturbed.settled();
    const began = performance.now();
    await undisturbed.sync({ full: true });
    longest = Math.ceil(performance.now() - began);
    me = await service.as('ada');
    await me.connect(radicale);
  });

  /** The epoch of the reading that is under way; 0 when there is none. */
  const reading = async (): Promise<bigint> => {
    const [claim] = await service.rows<Claim>(`select epoch, claimed_until > now() as begun from sync_state where user_id = 'ada'`);
    return claim?.begun === true ? BigInt(claim.epoch) : 0n;
  };

  const isOver = async (): Promise<boolean> =>
    (await service.rows(`select 1 from sync_state where user_id = 'ada' and cursor is not null`)).length > 0;

  /** A calendar that processes died of again and again is put off, at last for a day, until its owner asks for it. */
  const askWhenPutOff = async (): Promise<void> => {
    const putOff = await service.rows(`select 1 from sync_state where user_id = 'ada' and due_at > now() and claimed_until is null`);
    if (putOff.length > 0) await me.request('POST', '/v1/calendar/sync', {});
  };

  /** A reading that was not killed in time is over for good: only a new connection is read for the first time again. */
  const connectAnew = async (): Promise<void> => {
    const { body } = await me.request<{ items: readonly ConnectionView[] }>('GET', '/v1/calendar/connections');
    for (const { connectionId, status } of body.items)
      if (status !== 'revoked') await me.request('DELETE', `/v1/calendar/connections/${connectionId}`);
    connected += 1;
    await me.connect(radicale);
  };

  it('starts again each time', async () => {
    for (let [kills, before] = [0, 0n]; kills < KILLS;) {
      if (await isOver()) {
        await connectAnew();
        before = 0n;
      }
      const epoch = await eventually('a reading has begun', async () => {
        const now = await reading();
        if (now > before) return now;
        await askWhenPutOff();
        return null;
      });
      before = epoch;
      await sleep(random.below(longest));
      // One that was quicker proves nothing.
      if ((await reading()) !== epoch || (await isOver())) continue;
      await service.kill();
      await service.restart();
      kills += 1;
    }
  }, 600_000);

  it('has read everything soon after the last start, nothing lost and nothing doubled', async () => {
    const started = performance.now();
    await eventually('the first reading is over', async () => {
      if (await isOver()) return true;
      await askWhenPutOff();
      return null;
    });
    await me.settled();
    process.stdout.write(
      `${KILLS} kills up to ${longest} ms into ${connected} first readings; read whole ${Math.round(performance.now() - started)} ms after the last start\n`,
    );
    const shown = await me.events(WHOLE_WINDOW);
    expect(new Set(shown.map(({ id }) => id)).size).toBe(shown.length);
    expect(lines(shown)).toEqual(lines([...objects.values()].flatMap((ics) => instancesIn(ics, wholeWindow))));
  });

  it('goes on from there as if nothing had happened', async () => {
    expect(await me.sync()).toMatchObject({ state: 'done', done: 0 });
  });
});
