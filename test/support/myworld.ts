import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Secret } from '../../src/kernel/vault.js';
import { type GoogleSettings } from '../../src/provider/google/google-settings.js';
import { freePort } from '../../src/embedded/free.port.js';
import { eventually } from './store.js';
import { pythonWith } from './python.js';

type Json = Readonly<Record<string, unknown>>;

/** A Google Calendar that others wrote (PyPI `myworld`), with one account. It tells no exceptions of series as events of their own. */
export type MyWorld = Readonly<{
  settings: GoogleSettings;
  /** Its access token is not known there: it is good when it was refreshed. */
  secret: Secret;
  /** A request of the account's own to the API, below `/calendar/v3/`. */
  ask: (method: string, path: string, body?: Json) => Promise<Json>;
  /** What is to go wrong from now on, in the words of the simulator. */
  faults: (specs: readonly Json[]) => Promise<void>;
  stop: () => Promise<void>;
}>;

const call = async (method: string, url: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Json> => {
  const answer = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`myworld answered ${answer.status} to ${method}: ${text}`);
  return (text === '' ? {} : JSON.parse(text)) as Json;
};

/** Its world, on the clock of this machine, so that what changes is later than what was read. */
const WORLD = { name: 'soak', servers: { calendar: { service: 'calendar' } } };

type World = Readonly<{
  servers: Readonly<{ calendar: Readonly<{ instance: string }> }>;
  credentials: Readonly<{ agent: Readonly<{ google_access_token: string }> }>;
}>;

const started = async (child: ChildProcess, url: string): Promise<void> => {
  await eventually('myworld answers', async () => {
    if (child.exitCode !== null) throw new Error('myworld ended while it started.');
    return fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
  });
};

export const startMyWorld = async (): Promise<MyWorld> => {
  const python = await pythonWith(['myworld[gateway]==0.2.1']);
  const home = await mkdtemp(join(tmpdir(), 'myworld-'));
  const port = await freePort();
  const args = ['-c', 'from myworld.cli import main; main()', 'serve', '--port', String(port), '--time', 'realtime'];
  const child = spawn(python, args, { stdio: 'ignore', env: { ...process.env, HOME: home } });
  const url = `http://127.0.0.1:${port}`;
  await started(child, url);
  const world = (await call('POST', `${url}/envs`, { spec: WORLD })) as unknown as World;
  const token = world.credentials.agent.google_access_token;
  const at = (host: string): string => `${url}/gw/${host}`;
  return {
    settings: {
      clientId: 'myworld.apps.googleusercontent.com',
      clientSecret: 'myworld',
      authUrl: `${at('accounts.google.com')}/o/oauth2/v2/auth`,
      tokenUrl: `${at('oauth2.googleapis.com')}/token`,
      revokeUrl: `${at('oauth2.googleapis.com')}/revoke`,
      apiUrl: at('www.googleapis.com'),
    },
    secret: { accessToken: 'worn-out', refreshToken: token, expiresAt: '2026-01-01T00:00:00.000Z', scope: '' },
    ask: (method, path, body) =>
      call(method, `${at('www.googleapis.com')}/calendar/v3/${path}`, body, { authorization: `Bearer ${token}` }),
    faults: async (specs) => {
      await call('PUT', `${url}/instances/${world.servers.calendar.instance}/faults`, specs);
    },
    stop: async () => {
      const ended = child.exitCode === null ? new Promise((resolve) => child.once('exit', resolve)) : Promise.resolve();
      child.kill();
      await ended;
      await rm(home, { recursive: true, force: true });
    },
  };
};
