import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { operatorMistakes } from '../../src/app/operator-mistakes.js';
import { type ConnectionEvent } from '../../src/connection/connection.js';
import { connectionCodec, connectionFamily } from '../../src/connection/connection.codec.js';
import { type ConnectionRow } from '../../src/connection/connection.record.js';
import { tendConnection } from '../../src/connection/connection.worker.js';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { type Lease } from '../../src/kernel/due-work.js';
import { type Vault } from '../../src/kernel/vault.js';
import { schedule } from '../../src/sync/schedule.projection.js';
import { calendarFamily } from '../../src/calendar/calendar.codec.js';
import { connectedAccount, connectionRuntime } from '../support/account.js';
import { NOW } from '../support/builders.js';
import { allowed } from '../support/caldav.js';
import { suiteResources, testEndings } from '../support/opened.js';
import { startProjection } from '../support/running.js';
import { eventually, openStores, type Stores } from '../support/store.js';
import { startTokenEndpoint, tokenProvider } from '../support/token-endpoint.js';

const DAY = 86_400_000;
const opened = suiteResources();
const atEnd = testEndings();
let stores: Stores;
let keys: Vault;
beforeAll(async () => {
  stores = await opened(openStores());
  keys = vault(stores.database, randomBytes(32));
  await opened(Promise.resolve(startProjection(stores, schedule([connectionFamily, calendarFamily]))));
});

/** A connected account of a vendor with tokens that have expired, and the daily look at it. */
const connected = async (life = 0) => {
  const endpoint = await startTokenEndpoint();
  atEnd(() => endpoint.stop());
  const { userId, connectionId } = await connectedAccount(stores, keys);
  const first = endpoint.connect(NOW, life);
  await keys.replaceSecret(userId, connectionId, first);
  const now = NOW;
  const provider = tokenProvider(endpoint, () => now);
  const runtime = connectionRuntime(stores, keys, provider, () => now);
  const row = async () => {
    const rows = await stores.database.query<ConnectionRow & { epoch: string; due: string }>(
      'select *, due_at::text as due from connection_state where connection_id = $1',
      [connectionId],
    );
    return rows[0];
  };
  const tend = async (): Promise<number> => {
    const found = await eventually('it is due', row);
    const lease: Lease = { epoch: BigInt(found.epoch), permit: () => Promise.resolve(), signal: new AbortController().signal };
    await tendConnection(runtime)(found, lease);
    return Date.parse((await row())?.due ?? '') - now;
  };
  const facts = async (): Promise<readonly ConnectionEvent[]> =>
    (await stores.store.load(`connection-${connectionId}`, connectionCodec)).slice(1);
  const agedBy = (days: number) =>
    stores.database.query(
      `with renewal as (update grant_renewal set renewed_at = renewed_at - $2 * interval '1 day' where connection_id = $1)
       update vault set created_at = created_at - $2 * interval '1 day' where connection_id = $1`,
      [connectionId, days],
    );
  return { endpoint, provider, first, tend, facts, agedBy, stored: () => keys.secret(userId, connectionId), userId, connectionId };
};

describe('sync-rules 14 and 37: a vendor that ends the access', () => {
  it.each([
    ['Token has been expired or revoked.', 'access-revoked'],
    ['not used', 'access-expired'],
    ['consent withdrawn', 'access-withdrawn'],
    ['sign-in frequency', 'access-policy'],
  ])('because of %j asks its owner to connect again, with words of its own', async (description, fault) => {
    const { endpoint, tend, facts } = await connected();
    endpoint.troubles.push({ status: 400, error: 'invalid_grant', description });
    await tend();
    expect(await facts()).toMatchObject([{ type: 'ConnectionFailing', fault, needsReconnect: true }]);
  });
});

describe('sync-rule 14: a token endpoint that fails', () => {
  it.each([
    [{ status: 503, error: 'unavailable' }, 'unavailable'],
    [{ status: 429, error: 'rate' }, 'throttled'],
    [{ status: 401, error: 'invalid_client' }, 'misconfigured'],
  ])('with %j ends no connection, and is asked again after longer and longer pauses', async (trouble, fault) => {
    const { endpoint, first, tend, facts, stored } = await connected();
    endpoint.troubles.push(trouble);
    const [one, two] = [await tend(), await tend()];
    expect(two).toBeGreaterThan(one);
    expect(await facts()).toMatchObject([{ type: 'ConnectionFailing', fault, needsReconnect: false }]);
    expect(await stored()).toEqual(first);
    endpoint.troubles.length = 0;
    await tend();
    expect(['ConnectionReauthorized', 'ConnectionRecovered']).toContain((await facts()).at(-1)?.type);
  });
});

describe('sync-rule 37: an access that is not used', () => {
  it('is renewed after 25 days, although its token would still be good', async () => {
    const { endpoint, tend, agedBy } = await connected(400 * DAY);
    for (const [days, asked] of [
      [24, 0],
      [2, 1],
      [24, 1],
      [2, 2],
    ] as const) {
      await agedBy(days);
      await tend();
      expect(endpoint.asked).toHaveLength(asked);
    }
  });
});

describe('The tokens of a revoked connection', () => {
  it('are set aside as they were renewed last', async () => {
    const { endpoint, tend, userId, connectionId, stored } = await connected();
    await tend();
    const last = await stored();
    await keys.setSecretAside(userId, connectionId);
    expect(await keys.secretAside(userId, connectionId)).toEqual(last);
    expect(last['refreshToken']).toBe(endpoint.given[1]);
  });
});

describe('A token', () => {
  /** Every row of a database, as text; bytes are in hexadecimal digits. */
  const rowsOf = async (of: 'juy' | 'eventstore'): Promise<string> => {
    const client = new pg.Client({ connectionString: stores.engines.databaseUrl(of) });
    await client.connect();
    try {
      const tables = await client.query<{ name: string }>(
        `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
      );
      const texts: string[] = [];
      for (const { name } of tables.rows)
        for (const { row } of (await client.query<{ row: string }>(`select held::text as row from ${name} held`)).rows) texts.push(row);
      return texts.join('\n');
    } finally {
      await client.end();
    }
  };

  it('is in clear in no row, event, error or log line, however it was renewed or refused', async () => {
    const lines: string[] = [];
    const note = (...line: readonly unknown[]) => lines.push(inspect(line, { depth: 10 }));
    const given: string[] = [];
    for (const trouble of [
      null,
      { status: 400, error: 'invalid_grant' },
      { status: 401, error: 'invalid_client' },
      { status: 503, error: 'x' },
    ]) {
      const account = await connected();
      if (trouble !== null) account.endpoint.troubles.push(trouble);
      await account.tend();
      const { providers } = operatorMistakes(new Map([['caldav', account.provider]]), { error: note });
      const oauth = providers.get('caldav')?.oauth;
      await oauth?.refresh(account.first, allowed()).then(() => undefined, note);
      given.push(...account.endpoint.given, ...Object.values(account.first).filter((each) => each.includes('token')));
    }
    expect(lines.length).toBeGreaterThanOrEqual(4);
    const held = [await rowsOf('juy'), await rowsOf('eventstore'), ...lines].join('\n');
    expect(held).toContain('ConnectionFailing');
    for (const token of given)
      for (const form of [token, Buffer.from(token).toString('hex'), Buffer.from(token).toString('base64')])
        expect(held.includes(form)).toBe(false);
  });
});
