import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { suiteResources } from '../support/opened.js';
import { type Radicale, startRadicale } from '../support/radicale.js';
import { type Answer, type Client, type Service, startService } from '../support/service.js';
import { type ConnectionView } from '../../src/connection/connection.contract.js';

const ACCOUNTS = [60, 180, 320].map((milliseconds, index) => ({ milliseconds, name: `ada.${index}`, password: 'steam engine' }));

describe('A person whose service is killed while it connects an account', () => {
  const opened = suiteResources();
  let radicale: Radicale;
  let service: Service;
  let ada: Client;

  beforeAll(async () => {
    radicale = await opened(startRadicale(ACCOUNTS));
    service = await opened(startService());
    ada = await service.as('ada');
    for (const { name } of ACCOUNTS) await radicale.makeCalendar('work', {}, name);
  });

  it.each(ACCOUNTS)(
    'after $milliseconds ms gets one connection by asking again under the same key',
    async ({ milliseconds, name, password }) => {
      const key = randomUUID();
      const connect = (): Promise<Answer<ConnectionView & { code?: string }>> =>
        ada.request(
          'POST',
          '/v1/calendar/connections',
          { provider: 'caldav', consent: true, credentials: { serverUrl: radicale.url, username: name, password } },
          { 'idempotency-key': key },
        );
      const first = connect().catch(() => null);
      await sleep(milliseconds);
      await service.kill();
      const answered = await first;
      await service.restart();
      let again = await connect();
      for (let wait = 0; wait < 60 && again.body.code === 'request.in-flight'; wait += 1) {
        await sleep(500);
        again = await connect();
      }
      expect([again.status, again.body.account, again.body.calendars.length]).toEqual([201, name, 1]);
      if (answered !== null) expect(again.body.connectionId).toBe(answered.body.connectionId);
      const { body } = await ada.request<{ items: ConnectionView[] }>('GET', '/v1/calendar/connections');
      expect(body.items.filter(({ account }) => account === name)).toHaveLength(1);
    },
  );

  it('has no more keys in the vault than accounts', async () => {
    const rows = await service.rows<{ connection_id: string }>('select distinct connection_id from vault where connection_id is not null');
    expect(rows).toHaveLength(ACCOUNTS.length);
  });
});
