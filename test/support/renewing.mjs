import { grantsOf } from '../../dist/connection/account.grant.js';
import { openDatabase } from '../../dist/infra/postgres/database.postgres.js';
import { vault } from '../../dist/infra/vault/vault.postgres.js';

// A process that renews the grant of a connection and says what it is about to do: `storing` when the vendor has answered and nothing is stored,
// where it stays when it is told to `die` there; `stored` when its caller would use the new token.
const { databaseUrl, masterKey, tokenUrl, row, die } = JSON.parse(process.argv[2] ?? '{}');
const nothing = () => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const say = (line) => process.stdout.write(`${line}\n`);
const database = await openDatabase(databaseUrl, log, 2);
const keys = vault(database, Buffer.from(masterKey, 'base64'));
const clock = { now: () => Date.now() };
const refresh = async (secret, { signal }) => {
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: secret.refreshToken });
  const answered = await (await fetch(tokenUrl, { method: 'POST', body, signal })).json();
  const expiresAt = new Date(Date.now() + answered.expires_in * 1_000).toISOString();
  return { ...secret, accessToken: answered.access_token, refreshToken: answered.refresh_token ?? secret.refreshToken, expiresAt };
};
const exchangeSecret = async (...exchange) => {
  say('storing');
  if (die) await new Promise(() => setInterval(nothing, 1_000));
  return keys.exchangeSecret(...exchange);
};
const providers = new Map([[row.provider, { oauth: { refresh } }]]);
const call = { signal: new AbortController().signal, permit: () => Promise.resolve() };
const grant = await grantsOf({ vault: { ...keys, exchangeSecret }, providers, clock })(row, call);
say('ready');
await new Promise((resolve) => process.stdin.once('data', resolve));
const { accessToken } = await grant.secret();
say(`stored ${accessToken.length}`);
await database.close();
process.exit(0);
