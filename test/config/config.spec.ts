import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type Environment, Misconfigured, readConfig } from '../../src/config/service.config.js';

const folder = mkdtempSync(join(tmpdir(), 'config-'));
const file = join(folder, 'some.pem');
writeFileSync(file, 'text');
const pemOf = (namedCurve: string): string =>
  generateKeyPairSync('ec', {
    namedCurve,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  }).privateKey;
const [applesKey, otherKey] = [join(folder, 'AuthKey.p8'), join(folder, 'other.p8')];
const applesPem = pemOf('P-256');
writeFileSync(applesKey, applesPem);
writeFileSync(otherKey, pemOf('P-384'));
const apple = { APPLE_CLIENT_ID: 'com.example', APPLE_TEAM_ID: 'TEAM', APPLE_KEY_ID: 'KEY', APPLE_PRIVATE_KEY_FILE: applesKey };
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const key = Buffer.alloc(32, 7).toString('base64');
const production = {
  NODE_ENV: 'production',
  TRUST_PROXY: '1',
  MASTER_KEY: key,
  AUTH_JWKS_URL: 'https://id.example.com/jwks',
  AUTH_ISSUER: 'https://id.example.com',
  AUTH_AUDIENCE: 'calendar',
};

const mistakes = (environment: Environment): readonly string[] => {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof Misconfigured) return error.mistakes;
    throw error;
  }
};

describe('Configuration', () => {
  it('needs nothing to start on a developer’s machine, and listens there only', () => {
    expect(readConfig({})).toMatchObject({
      production: false,
      roles: new Set(['api', 'projector', 'sync', 'relay']),
      http: { host: '127.0.0.1', port: 3000, tls: null, trustProxy: null },
      databaseUrl: null,
      eventStoreUrl: null,
      masterKey: { from: 'file', path: resolve('.data/master.key'), create: true },
      auth: { mode: 'dev' },
      providers: 'sandbox',
      caldav: { appleUrl: 'https://caldav.icloud.com', allowPrivate: false },
    });
  });

  it('serves health and metrics at the API’s port unless they are given another', () => {
    expect(readConfig({}).http.operationsPort).toBe(null);
    expect(readConfig({ OPERATIONS_PORT: '9100' }).http.operationsPort).toBe(9_100);
    const same = 'OPERATIONS_PORT must be another port than PORT; leave it unset to serve health and metrics at PORT.';
    expect(mistakes({ OPERATIONS_PORT: '3000' })).toEqual([same]);
    expect(mistakes({ OPERATIONS_PORT: '8080', PORT: '8080' })).toEqual([same]);
  });

  it('has calendars read again within the time it is given, a quarter of an hour at the most', () => {
    expect(readConfig({}).pollWithin).toBe(120_000);
    expect(readConfig({ POLL_SECONDS: '60' }).pollWithin).toBe(60_000);
    expect(readConfig({}).mostListed).toBe(100_000);
    expect(readConfig({ MOST_LISTED: '2000' }).mostListed).toBe(2_000);
    for (const wrong of ['999', '1000001', 'many'])
      expect(mistakes({ MOST_LISTED: wrong })).toEqual(['MOST_LISTED must be a whole number from 1000 to 1000000.']);
    for (const wrong of ['9', '901', 'often'])
      expect(mistakes({ POLL_SECONDS: wrong })).toEqual(['POLL_SECONDS must be a whole number of seconds from 10 to 900.']);
  });

  it('offers made-up accounts only where one process does everything, and never in production', () => {
    const split = { ROLE: 'sync', DATABASE_URL: 'postgres://db/juy', EVENTSTORE_URL: 'esdb://store:2113' };
    expect(readConfig({ PROVIDERS: 'live' }).providers).toBe('live');
    expect(readConfig(split).providers).toBe('live');
    expect(readConfig(production).providers).toBe('live');
    expect(mistakes({ ...split, PROVIDERS: 'sandbox' })).toEqual([expect.stringMatching(/^PROVIDERS=sandbox .* ROLE=all/)]);
    expect(mistakes({ ...production, PROVIDERS: 'sandbox' })).toEqual([
      expect.stringMatching(/^PROVIDERS=sandbox .* refused in production/),
    ]);
  });

  it('has people sign in with Apple where the client and its key are given', () => {
    expect(readConfig({}).apple).toBeNull();
    expect(readConfig(apple).apple).toEqual({
      ...{ clientId: 'com.example', teamId: 'TEAM', keyId: 'KEY', privateKey: applesPem },
      ...{ idUrl: 'https://appleid.apple.com', caldavUrl: null },
    });
  });

  it('reaches Google at its own addresses unless others are named, and only as a client that it knows', () => {
    const client = { GOOGLE_CLIENT_ID: 'us', GOOGLE_CLIENT_SECRET: 'shh' };
    expect(readConfig({}).google).toBeNull();
    expect(readConfig({ GOOGLE_API_URL: 'http://127.0.0.1:4010/google' }).google).toBeNull();
    expect(readConfig(client).google).toEqual({
      clientId: 'us',
      clientSecret: 'shh',
      authUrl: 'https://accounts.google.com/o/oauth2/v2/auth',
      tokenUrl: 'https://oauth2.googleapis.com/token',
      revokeUrl: 'https://oauth2.googleapis.com/revoke',
      apiUrl: 'https://www.googleapis.com',
    });
    const elsewhere = { ...client, GOOGLE_API_URL: 'http://127.0.0.1:4010/google/', GOOGLE_TOKEN_URL: 'http://127.0.0.1:4010/token' };
    expect(readConfig(elsewhere).google).toMatchObject({ apiUrl: 'http://127.0.0.1:4010/google', tokenUrl: 'http://127.0.0.1:4010/token' });
  });

  it('reaches Microsoft at its own addresses unless others are named, and only as a client that it knows', () => {
    const client = { MICROSOFT_CLIENT_ID: 'us', MICROSOFT_CLIENT_SECRET: 'shh' };
    expect(readConfig({ MICROSOFT_TENANT: 'contoso.example' }).microsoft).toBeNull();
    expect(readConfig(client).microsoft).toEqual({
      ...{ clientId: 'us', clientSecret: 'shh', tenant: 'common' },
      ...{ loginUrl: 'https://login.microsoftonline.com', graphUrl: 'https://graph.microsoft.com' },
    });
    const elsewhere = { MICROSOFT_TENANT: 'organizations', MICROSOFT_GRAPH_URL: 'http://127.0.0.1:4010/' };
    expect(readConfig({ ...client, ...elsewhere }).microsoft).toMatchObject({ tenant: 'organizations', graphUrl: 'http://127.0.0.1:4010' });
  });

  it('names every mistake in one message', () => {
    const wrong = { PORT: '70000', LOG_LEVEL: 'loud', ROLE: 'api,cook', CALDAV_ALLOW_PRIVATE: 'yes', TLS_CERT: file, NODE_ENV: 'staging' };
    expect(() => readConfig(wrong)).toThrow(/6 settings are wrong/);
    expect(mistakes(wrong).map((mistake) => mistake.split(' ')[0])).toEqual(
      expect.arrayContaining(['NODE_ENV', 'ROLE', 'PORT', 'LOG_LEVEL', 'CALDAV_ALLOW_PRIVATE', 'TLS_KEY']),
    );
  });

  it('never quotes a value, which may be a secret', () => {
    const secret = 'hunter2';
    const wrong = { MASTER_KEY: secret, DATABASE_URL: `mysql://me:${secret}@db/x`, EVENTSTORE_URL: `http://${secret}`, AUTH_MODE: secret };
    expect(mistakes(wrong)).toHaveLength(4);
    expect(mistakes(wrong).join('\n')).not.toContain(secret);
  });

  it('takes an empty variable for one that is not set', () => {
    expect(readConfig({ PORT: '', DATABASE_URL: ' ', MASTER_KEY: '' })).toEqual(readConfig({}));
  });

  it('takes a complete production environment', () => {
    expect(readConfig(production)).toMatchObject({
      production: true,
      http: { host: '0.0.0.0', trustProxy: 1 },
      masterKey: { from: 'value', key: new Uint8Array(32).fill(7) },
      auth: { mode: 'jwks', jwksUrl: 'https://id.example.com/jwks', issuer: 'https://id.example.com', audience: 'calendar' },
    });
  });

  it.each([
    ['TLS_CERT', { TRUST_PROXY: undefined }],
    ['TLS_CERT', { TRUST_PROXY: 'false' }],
    ['AUTH_JWKS_URL', { AUTH_JWKS_URL: undefined }],
    ['AUTH_ISSUER', { AUTH_ISSUER: undefined }],
    ['AUTH_AUDIENCE', { AUTH_AUDIENCE: undefined }],
    ['AUTH_JWKS_URL', { AUTH_JWKS_URL: 'http://id.example.com/jwks' }],
    ['AUTH_MODE=dev', { AUTH_MODE: 'dev', AUTH_JWKS_URL: undefined }],
    ['MASTER_KEY', { MASTER_KEY: undefined }],
    ['APPLE_CALDAV_URL', { APPLE_CALDAV_URL: 'http://caldav.example.com' }],
    ['GOOGLE_TOKEN_URL', { GOOGLE_TOKEN_URL: 'http://oauth.example.com/token' }],
    ['PUBLIC_URL', { GOOGLE_CLIENT_ID: 'us', GOOGLE_CLIENT_SECRET: 'shh' }],
    ['PUBLIC_URL', apple],
    ['APPLE_ID_URL', { APPLE_ID_URL: 'http://id.example.com' }],
    ['PUBLIC_URL', { MICROSOFT_CLIENT_ID: 'us', MICROSOFT_CLIENT_SECRET: 'shh' }],
    ['MICROSOFT_LOGIN_URL', { MICROSOFT_LOGIN_URL: 'http://login.example.com' }],
    ['PUBLIC_URL', { GOOGLE_CLIENT_ID: 'us', GOOGLE_CLIENT_SECRET: 'shh', PUBLIC_URL: 'http://juy.example.com' }],
    ['DATABASE_URL', { DATABASE_URL: 'postgres://app:secret@db.example.com/app' }],
    ['EVENTSTORE_URL', { EVENTSTORE_URL: 'esdb://a.example.com:2113,localhost:2113?tls=false' }],
  ])('in production, names %s when the environment is %j', (name, change) => {
    expect(mistakes({ ...production, ...change })).toEqual([expect.stringMatching(new RegExp(`^${name} `))]);
  });

  it('lets production use engines on the same machine without TLS', () => {
    const local = { DATABASE_URL: 'postgres://app@127.0.0.1:5432/app', EVENTSTORE_URL: 'esdb://admin:pw@localhost:2113?tls=false' };
    expect(mistakes({ ...production, ...local })).toEqual([]);
  });

  it.each([
    ['MASTER_KEY', { MASTER_KEY: key, MASTER_KEY_FILE: file }],
    ['AUTH_JWKS_URL', { AUTH_MODE: 'jwks' }],
    ['TRUST_PROXY', { TRUST_PROXY: 'everyone' }],
    ['CORS_ORIGINS', { CORS_ORIGINS: 'https://app.example.com, *' }],
    ['PUBLIC_URL', { PUBLIC_URL: 'ftp://example.com' }],
    ['MASTER_KEY_FILE', { MASTER_KEY_FILE: join(folder, 'missing') }],
    ['GOOGLE_CLIENT_SECRET', { GOOGLE_CLIENT_ID: 'us' }],
    ['APPLE_KEY_ID', { ...apple, APPLE_KEY_ID: '' }],
    ['APPLE_PRIVATE_KEY_FILE', { ...apple, APPLE_PRIVATE_KEY_FILE: file }],
    ['APPLE_PRIVATE_KEY_FILE', { ...apple, APPLE_PRIVATE_KEY_FILE: otherKey }],
    ['APPLE_PRIVATE_KEY_FILE', { ...apple, APPLE_PRIVATE_KEY_FILE: join(folder, 'none.p8') }],
    ['GOOGLE_CLIENT_ID', { GOOGLE_CLIENT_SECRET: 'shh' }],
    ['GOOGLE_API_URL', { GOOGLE_API_URL: 'localhost:4010' }],
    ['MICROSOFT_CLIENT_SECRET', { MICROSOFT_CLIENT_ID: 'us' }],
    ['MICROSOFT_TENANT', { MICROSOFT_TENANT: 'a/b' }],
    ['MICROSOFT_GRAPH_URL', { MICROSOFT_GRAPH_URL: 'https://graph.example.com/v1.0' }],
  ])('names %s when the environment is %j', (name, change) => {
    expect(mistakes(change)).toEqual([expect.stringMatching(new RegExp(`^${name} `))]);
  });

  it('refuses to split roles over processes that cannot share their engines', () => {
    expect(mistakes({ ROLE: 'api' })).toEqual([
      expect.stringMatching(/^DATABASE_URL .*npm run eventstore/),
      expect.stringMatching(/^EVENTSTORE_URL .*npm run eventstore/),
    ]);
    expect(mistakes({ ROLE: 'api', DATABASE_URL: 'postgres://localhost/app' })).toEqual([expect.stringMatching(/^EVENTSTORE_URL /)]);
    expect(
      readConfig({ ROLE: 'sync, api', DATABASE_URL: 'postgres://localhost/app', EVENTSTORE_URL: 'esdb://localhost:2113' }).roles,
    ).toEqual(new Set(['sync', 'api']));
    expect(mistakes({ ROLE: 'projector,api,relay,sync' })).toEqual([]);
  });

  it('says of a role to come that it is not there yet, rather than ignore it', () => {
    expect(mistakes({ ROLE: 'reminder' })).toEqual([expect.stringMatching(/^ROLE .*yet/)]);
  });

  const sasl = { KAFKA_SASL_MECHANISM: 'scram-sha-512', KAFKA_SASL_USERNAME: 'calendar', KAFKA_SASL_PASSWORD: 'of the brokers' };

  it('takes topics to the broker of this machine unless it names another', () => {
    expect(readConfig({}).kafka).toBeNull();
    expect(readConfig({ KAFKA_BROKERS: '127.0.0.1:9092' }).kafka).toEqual({ brokers: ['127.0.0.1:9092'], tls: null, sasl: null });
    const settings = { KAFKA_BROKERS: 'a.example:9092, [2001:db8::1]:9093', KAFKA_SSL: 'true', KAFKA_SSL_CA: file, ...sasl };
    expect(readConfig(settings).kafka).toEqual({
      brokers: ['a.example:9092', '[2001:db8::1]:9093'],
      tls: { ca: file },
      sasl: { mechanism: 'scram-sha-512', username: 'calendar', password: 'of the brokers' },
    });
  });

  it.each([
    ['KAFKA_BROKERS', { KAFKA_BROKERS: 'localhost' }],
    ['KAFKA_BROKERS', { KAFKA_SSL: 'true', ...sasl }],
    ['KAFKA_SSL', { KAFKA_BROKERS: 'localhost:9092', KAFKA_SSL_CA: file }],
    ['KAFKA_SSL_CA', { KAFKA_BROKERS: 'localhost:9092', KAFKA_SSL_CA: file, KAFKA_SSL: 'false' }],
    ['KAFKA_SSL_CA', { KAFKA_BROKERS: 'localhost:9092', KAFKA_SSL_CA: join(folder, 'none'), KAFKA_SSL: 'true' }],
    ['KAFKA_SASL_MECHANISM', { KAFKA_BROKERS: 'localhost:9092', ...sasl, KAFKA_SASL_MECHANISM: 'oauthbearer' }],
    ['KAFKA_SASL_PASSWORD', { KAFKA_BROKERS: 'localhost:9092', ...sasl, KAFKA_SASL_PASSWORD: '' }],
    ['KAFKA_SSL', { ...production, KAFKA_BROKERS: 'localhost:9092,kafka.example:9092' }],
  ])('names %s when topics are to be reached by %j', (name, change) => {
    expect(mistakes(change)).toEqual([expect.stringMatching(new RegExp(`^${name} `))]);
  });

  it('lets production reach brokers of its own machine without TLS', () => {
    expect(mistakes({ ...production, KAFKA_BROKERS: '127.0.0.1:9092,[::1]:9093' })).toEqual([]);
  });

  it('takes the master key before while it is being replaced, and not the same one twice', () => {
    expect(readConfig({ MASTER_KEY_PREVIOUS: key }).masterKeyPrevious).toEqual(new Uint8Array(32).fill(7));
    expect(readConfig({}).masterKeyPrevious).toBeNull();
    expect(mistakes({ MASTER_KEY: key, MASTER_KEY_PREVIOUS: key })).toEqual([
      expect.stringMatching(/^MASTER_KEY and MASTER_KEY_PREVIOUS /),
    ]);
  });

  it('names the proxies it is told to trust', () => {
    expect(readConfig({ TRUST_PROXY: 'loopback, 10.0.0.0/8' }).http.trustProxy).toEqual(['loopback', '10.0.0.0/8']);
  });
});
