import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { suiteResources } from '../support/opened.js';
import { type Radicale, startRadicale } from '../support/radicale.js';
import { type Answer, type Client, type Service, startService } from '../support/service.js';
import { eventually } from '../support/store.js';
import { type ConnectionView } from '../../src/connection/connection.contract.js';

const ACCOUNTS = [60, 180, 320].map((milliseconds, index) => ({ milliseconds, name: `ada.${index}`, password: 'steam engine' }));

type Asked = Answer<ConnectionView & { code?: string }>;

describe('A person whose service is killed while it connects accounts', () => {
  const opened = suiteResources();
  const keys = new Map(ACCOUNTS.map(({ name }) => [name, randomUUID()]));
  const answered = new Map<string, Asked | null>();
  let radicale: Radicale;
  let service: Service;
  let ada: Client;

  const connect = ({ name, password }: (typeof ACCOUNTS)[number]): Promise<Asked> => {
    const credentials = { serverUrl: radicale.url, username: name, password };
    const headers = { 'idempotency-key': keys.get(name) ?? '' };
    return ada.request('POST', '/v1/calendar/connections', { provider: 'caldav', consent: true, credentials }, headers);
  };

  beforeAll(async () => {
    radicale = await opened(startRadicale(ACCOUNTS));
    service = await opened(startService());
    ada = await service.as('ada');
    for (const { name } of ACCOUNTS) await radicale.makeCalendar('work', {}, name);
    const longest = Math.max(...ACCOUNTS.map(({ milliseconds }) => milliseconds));
    const asking = ACCOUNTS.map(async (account) => {
      await sleep(longest - account.milliseconds);
      answered.set(account.name, await connect(account).catch(() => null));
    });
    await sleep(longest);
    await service.kill();
    await Promise.all(asking);
    await service.restart();
  });

  it.each(ACCOUNTS)('after $milliseconds ms gets one connection by asking again under the same key', async (account) => {
    let again = await connect(account);
    for (let wait = 0; wait < 60 && again.body.code === 'request.in-flight'; wait += 1) {
      await sleep(500);
      again = await connect(account);
    }
    // Right after the start the read models may lag behind.
    expect([201, 202]).toContain(again.status);
    const { connectionId } = again.body;
    const first = answered.get(account.name) ?? null;
    if (first !== null) expect(connectionId).toBe(first.body.connectionId);
    const shown = await eventually('its calendar is shown', async () => {
      const { body } = await ada.request<{ items: ConnectionView[] }>('GET', '/v1/calendar/connections');
      const found = body.items.filter((each) => each.account === account.name);
      return found.some(({ calendars }) => calendars.length > 0) ? found : null;
    });
    expect(shown).toMatchObject([{ connectionId, calendars: [{}] }]);
  });

  it('has no more keys in the vault than accounts', async () => {
    const rows = await service.rows<{ connection_id: string }>('select distinct connection_id from vault where connection_id is not null');
    expect(rows).toHaveLength(ACCOUNTS.length);
  });
});
