import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { grantsOf } from '../../src/connection/account.grant.js';
import { vault } from '../../src/infra/vault/vault.postgres.js';
import { type Vault } from '../../src/kernel/vault.js';
import { allowed } from '../support/caldav.js';
import { testEndings } from '../support/opened.js';
import { openStores, type Stores } from '../support/store.js';
import { strength } from '../support/strength.js';
import { type Rotation, startTokenEndpoint, type TokenEndpoint, tokenProvider } from '../support/token-endpoint.js';

/** A process of its own that renews one grant; compiled, because Node runs no TypeScript. */
const RENEWING = fileURLToPath(new URL('../support/renewing.mjs', import.meta.url));
const KILLS = strength(4, 100);
const AT_ONCE = 4;

const masterKey = randomBytes(32);
const atEnd = testEndings();
let stores: Stores;
let keys: Vault;
beforeAll(async () => {
  stores = await openStores();
  keys = vault(stores.database, masterKey);
});
afterAll(() => stores.stop());

type Account = Readonly<{ connection_id: string; user_id: string; provider: string }>;

const connected = async (endpoint: TokenEndpoint): Promise<Account> => {
  const row = { connection_id: randomUUID(), user_id: randomUUID(), provider: 'vendor' };
  await keys.keep(row.user_id, row.connection_id, endpoint.connect(Date.now(), 0));
  await keys.activate(row.connection_id);
  return row;
};

const printed: string[] = [];

/** A process that has read the grant; `begin` has it renew, `until` waits for a line that begins so. */
const renewing = async ({ url }: TokenEndpoint, row: Account, die: boolean) => {
  const settings = { databaseUrl: stores.engines.databaseUrl('juy'), masterKey: masterKey.toString('base64'), tokenUrl: url, row, die };
  const child: ChildProcess = spawn(process.execPath, [RENEWING, JSON.stringify(settings)], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  atEnd(() => child.kill('SIGKILL'));
  child.stderr?.on('data', (text: Buffer) => printed.push(text.toString()));
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const tell = (): void => {
    for (const look of waiting) look();
  };
  if (child.stdout !== null)
    createInterface({ input: child.stdout }).on('line', (line) => {
      printed.push(line);
      lines.push(line);
      tell();
    });
  const until = (word: string): Promise<unknown> =>
    Promise.race([
      new Promise<void>((resolve) => {
        const look = (): void => {
          if (lines.some((line) => line.startsWith(word))) resolve();
        };
        waiting.add(look);
        look();
      }),
      ended.then(() => {
        if (!lines.some((line) => line.startsWith(word)))
          throw new Error(`it ended before it said ${word}: ${printed.slice(-5).join(' ')}`);
      }),
    ]);
  await until('ready');
  return { begin: () => child.stdin?.write('begin\n'), until, kill: () => child.kill('SIGKILL'), ended };
};

/** The lease of a process that died is free when its time is over. */
const passLease = ({ connection_id }: Account) =>
  stores.database.query('update grant_renewal set held_until = clock_timestamp() where connection_id = $1', [connection_id]);

const isOpen = async ({ user_id, connection_id }: Account): Promise<boolean> =>
  Date.parse((await keys.secret(user_id, connection_id))['expiresAt'] ?? '') > Date.now();

describe('sync-rule 15: a process that is killed between the renewal of a grant and the storing of its tokens', () => {
  it.each<Rotation>(['lasting', 'rotating'])('loses no connection where refresh tokens are %s', async (rotation) => {
    const endpoint = await startTokenEndpoint(rotation);
    atEnd(() => endpoint.stop());
    const providers = new Map([['vendor', tokenProvider(endpoint, () => Date.now())]]);
    const grantOf = grantsOf({ vault: keys, providers, clock: { now: () => Date.now() } });
    const killOne = async (): Promise<Readonly<{ survived: boolean; requests: number }>> => {
      const row = await connected(endpoint);
      const { refreshToken } = await keys.secret(row.user_id, row.connection_id);
      const dying = await renewing(endpoint, row, true);
      dying.begin();
      await dying.until('storing');
      dying.kill();
      await dying.ended;
      expect(await isOpen(row)).toBe(false);
      await passLease(row);
      const next = await grantOf(row, allowed());
      expect(await next.secret()).toEqual(await keys.secret(row.user_id, row.connection_id));
      return { survived: await isOpen(row), requests: endpoint.asked.filter((token) => token === refreshToken).length };
    };
    for (let killed = 0; killed < KILLS; killed += AT_ONCE)
      expect(await Promise.all(Array.from({ length: AT_ONCE }, killOne))).toEqual(
        Array.from({ length: AT_ONCE }, () => ({ survived: true, requests: 2 })),
      );
    for (const token of endpoint.given) expect(printed.join('\n').includes(token)).toBe(false);
  });
});

describe('sync-rule 15: two processes that renew one grant at once', () => {
  it('make one request', async () => {
    const endpoint = await startTokenEndpoint('rotating');
    atEnd(() => endpoint.stop());
    for (let time = 0; time < strength(2, 20); time += 1) {
      const row = await connected(endpoint);
      const both = await Promise.all([renewing(endpoint, row, false), renewing(endpoint, row, false)]);
      const before = endpoint.asked.length;
      for (const each of both) each.begin();
      await Promise.all(both.map((each) => each.until('stored')));
      expect(endpoint.asked.length - before).toBe(1);
      expect(await isOpen(row)).toBe(true);
    }
  });
});
