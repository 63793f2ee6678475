import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { requestBudget } from '../../src/infra/postgres/request-budget.postgres.js';
import { Superseded } from '../../src/kernel/due-work.js';
import { type Lane, type Spend } from '../../src/provider/budget.js';
import { type CalendarProvider } from '../../src/provider/calendar-provider.js';
import { type GuardedHttp } from '../../src/provider/http/guarded.http.js';
import { syncCalendar } from '../../src/sync/sync.run.js';
import { nearHttp } from '../support/caldav.js';
import { suiteResources, testEndings } from '../support/opened.js';
import { eventually } from '../support/store.js';
import {
  type Adopted,
  adopted,
  claim,
  keysOfVault,
  lunch,
  runtimeOf,
  shown,
  startSyncing,
  stateOf,
  stopSyncing,
  stores,
} from '../support/synced-calendar.js';

const REQUESTS = 10;

const opened = suiteResources();
const atEnd = testEndings();
let http: GuardedHttp;
let origin: string;
const asked: string[] = [];
/** Accounts of which a request had to wait. */
const refused = new Set<string>();

beforeAll(async () => {
  await startSyncing();
  const server = createServer(({ url = '' }, response) => {
    asked.push(url);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const { spend: budgets } = requestBudget(stores.database, keysOfVault().serviceMarker);
  const spend: Spend = async (lane) => {
    const wait = await budgets(lane);
    if (wait > 0) refused.add(lane.account);
    return wait;
  };
  http = nearHttp({ spend });
  await opened(
    Promise.resolve({
      stop: async () => {
        await http.close();
        await new Promise((resolve) => server.close(resolve));
      },
    }),
  );
});
afterAll(stopSyncing);

/** A calendar whose service is asked ten times in each reading, out of the budget of `lane`. */
const read = async (lane: Lane): Promise<Adopted> => {
  const calendar = await adopted();
  calendar.account.put(lunch('a'));
  const { provider } = calendar.account;
  const scan: CalendarProvider['scan'] = async function* (grant, address, request) {
    for (let made = 0; made < REQUESTS; made += 1) {
      const url = `${origin}/${lane.account}`;
      await http.request({ method: 'GET', url, headers: {}, body: null, credentials: null, lane, maxBytes: null }, request.call, () =>
        Promise.resolve(),
      );
    }
    return yield* provider.scan(grant, address, request);
  };
  return { ...calendar, account: { ...calendar.account, provider: { ...provider, scan } } };
};

const sentTo = (account: string): number => asked.filter((url) => url === `/${account}`).length;

/** A run under way, with the way to stop it. */
const begin = async (calendar: Adopted): Promise<Readonly<{ ended: Promise<void>; stop: () => void }>> => {
  const { row, lease } = await claim(calendar);
  const stopping = new AbortController();
  const ended = syncCalendar(runtimeOf(calendar))(row, { ...lease, signal: stopping.signal });
  // Looked at later.
  ended.catch(() => undefined);
  const stop = (): void => {
    stopping.abort(new Error('the process stops'));
  };
  return { ended, stop };
};

/** Another process uses the requests of an account up, again and again, until it is told to stop; then there are as many as there may be. */
const useUp = async ({ account }: Lane): Promise<() => Promise<void>> => {
  const mark = (await keysOfVault().serviceMarker())('requests', account);
  const until = (ahead: string) =>
    stores.database.query(
      `insert into request_budget (account, spent_until) values ($1, clock_timestamp() + $2::interval)
       on conflict (account) do update set spent_until = excluded.spent_until`,
      [mark, ahead],
    );
  await until('59.9 seconds');
  const using = setInterval(() => void until('59.9 seconds'), 50);
  const stop = async (): Promise<void> => {
    clearInterval(using);
    await until('0 minutes');
  };
  atEnd(stop);
  return stop;
};

describe('sync-rule 17: A run whose account has used its requests of the minute up', () => {
  const lane = (account: string): Lane => ({ account, aMinute: 240, atOnce: null });

  it('waits and does not fail, and goes on when there are requests again; runs of other accounts do not wait', async () => {
    const [calendar, other] = [await read(lane('waiting')), await read(lane('other'))];
    const stop = await useUp(lane('waiting'));
    const { ended } = await begin(calendar);
    await eventually('it has to wait', () => refused.has('waiting'));
    await (
      await begin(other)
    ).ended;
    expect([await shown(other), sentTo('other')]).toEqual([['a'], REQUESTS]);
    expect([await shown(calendar), sentTo('waiting')]).toEqual([[], 0]);
    await stop();
    await ended;
    expect([await shown(calendar), sentTo('waiting')]).toEqual([['a'], REQUESTS]);
    expect(await stateOf(calendar)).toMatchObject({ failures: 0, fault: null, generation: 1 });
  });

  it('ends when it is told to, and leaves the calendar as it was', async () => {
    const calendar = await read(lane('stopped'));
    await useUp(lane('stopped'));
    const { ended, stop } = await begin(calendar);
    await eventually('it has to wait', () => refused.has('stopped'));
    stop();
    await expect(ended).rejects.toBeInstanceOf(Superseded);
    expect([await stateOf(calendar), sentTo('stopped')]).toMatchObject([{ failures: 0, fault: null, generation: 0 }, 0]);
  });
});
