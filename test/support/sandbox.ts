import { startSandbox } from '../../src/embedded/caldav.sandbox.js';
import { type SandboxAccount, type SandboxCalendar } from '../../src/embedded/caldav/account.js';
import { type FaultName } from '../../src/embedded/caldav/faults.js';

/** A fault as `POST /sandbox/faults` takes it. */
export type FaultOrder = Readonly<{ fault: FaultName; account?: string; calendar?: string; times?: number; [detail: string]: unknown }>;

type Answer = Readonly<{ status: number; etag: string | null; body: string }>;

/** The sandbox server with one account of a suite's own. */
export type TestSandbox = Readonly<{
  url: string;
  user: string;
  password: string;
  /** Absolute URL of a calendar. */
  calendar: (name: string) => string;
  request: (method: string, url: string, body?: string, headers?: Readonly<Record<string, string>>) => Promise<Answer>;
  put: (calendar: string, filename: string, ics: string) => Promise<string>;
  delete: (calendar: string, filename: string) => Promise<void>;
  switchOn: (fault: FaultOrder) => Promise<void>;
  switchOff: () => Promise<void>;
  stop: () => Promise<void>;
}>;

export const emptyCalendar = (name: string, access: SandboxCalendar['access'] = 'write'): SandboxCalendar => ({
  name,
  displayName: name,
  color: '#336699',
  timeZone: 'Europe/Paris',
  access,
  objects: new Map(),
});

const ALICE = { username: 'alice@sandbox.example', password: 'open sesame', fullName: 'Alice Anybody' };

/** Starts a sandbox that changes nothing by itself; `others` have accounts of it too. */
export const startTestSandbox = async (
  calendars: readonly SandboxCalendar[],
  others: readonly SandboxAccount[] = [],
): Promise<TestSandbox> => {
  const account: SandboxAccount = { ...ALICE, calendars };
  const sandbox = await startSandbox({
    clock: { now: () => Date.now() },
    port: 0,
    timeZone: 'Europe/Paris',
    restlessness: null,
    accounts: [account, ...others],
  });
  const authorization = `Basic ${Buffer.from(`${ALICE.username}:${ALICE.password}`).toString('base64')}`;
  const request: TestSandbox['request'] = async (method, url, body, headers = {}) => {
    const answer = await fetch(url, {
      method,
      headers: { authorization, ...headers },
      redirect: 'manual',
      ...(body === undefined ? {} : { body }),
    });
    return { status: answer.status, etag: answer.headers.get('etag'), body: await answer.text() };
  };
  const done = async (...asked: Parameters<typeof request>): Promise<Answer> => {
    const answer = await request(...asked);
    if (answer.status >= 300) throw new Error(`The sandbox answered ${answer.status} to ${asked[0]}: ${answer.body}`);
    return answer;
  };
  return {
    url: sandbox.url,
    user: ALICE.username,
    password: ALICE.password,
    calendar: (name) => `${sandbox.url}dav/calendars/${encodeURIComponent(ALICE.username)}/${encodeURIComponent(name)}/`,
    request,
    put: async (calendar, filename, ics) =>
      (await done('PUT', calendar + encodeURIComponent(filename), ics, { 'content-type': 'text/calendar' })).etag ?? '',
    delete: async (calendar, filename) => {
      await done('DELETE', calendar + encodeURIComponent(filename));
    },
    switchOn: async (fault) => {
      await done('POST', `${sandbox.url}sandbox/faults`, JSON.stringify(fault), { 'content-type': 'application/json' });
    },
    switchOff: async () => {
      await done('DELETE', `${sandbox.url}sandbox/faults`);
    },
    stop: sandbox.stop,
  };
};
