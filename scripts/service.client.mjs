// The REST API as `npm run connect`, `npm run week` and `npm run demo` use it; needs nothing but Node.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a person is told instead of a stack. */
export class Told extends Error {}

/** Where `npm start` listens unless the environment says otherwise. */
export const localAddress = () => process.env.API ?? `http://localhost:${process.env.PORT || 3000}`;

const reach = async (url, options) => {
  try {
    return await fetch(url, { ...options, signal: AbortSignal.timeout(30_000) });
  } catch {
    throw new Told(`Nothing answers at ${new URL(url).origin}. Start the service in another terminal: npm start`);
  }
};

/** Asks until `isSo` gives something other than null; `what` is what did not happen in time. */
export const until = async (what, isSo, milliseconds = 60_000) => {
  const end = performance.now() + milliseconds;
  for (;;) {
    const found = await isSo();
    if (found !== null) return found;
    if (performance.now() > end) throw new Told(`${what}: not within ${milliseconds / 1_000} seconds.`);
    await sleep(100);
  }
};

/** The service as `userId` sees it. `request` answers what is expected, and throws the problem's own words otherwise. */
export const serviceAt = async (api, userId = 'me') => {
  const ask = async (method, path, body, token) => {
    const headers = { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(body ? { 'content-type': 'application/json' } : {}) };
    const answer = await reach(api + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
  };
  const minted = await ask('POST', '/v1/dev/token', { userId });
  if (minted.status !== 200) throw new Told(`${api} gives no development tokens: it runs for production.`);
  const { token } = minted.body;
  const request = async (method, path, body) => {
    const answer = await ask(method, path, body, token);
    if (answer.status >= 400)
      throw Object.assign(new Told(`${method} ${path}: ${answer.body?.detail ?? answer.status}`), { code: answer.body?.code });
    return answer.body;
  };
  const connections = async () => (await request('GET', '/v1/calendar/connections')).items.filter(({ status }) => status !== 'revoked');
  return {
    request,
    connections,
    calendars: async () => (await request('GET', '/v1/calendar/calendars')).items,
    /** Answers once the account's calendars have been read. */
    connect: (serverUrl, { username, password }) =>
      request('POST', '/v1/calendar/connections', { provider: 'caldav', consent: true, credentials: { serverUrl, username, password } }),
    /** Does what a browser does at a vendor of the sandbox for one of its people: opens the page, leaves every box ticked, allows, and comes back. */
    connectAt: async (provider, email) => {
      const begun = await reach(`${api}/v1/calendar/connections`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ provider, consent: true }),
      });
      const { connectionId, authorizationUrl, detail } = await begun.json();
      if (authorizationUrl === undefined) throw new Told(`Accounts of ${provider} cannot be connected: ${detail}`);
      const page = await (await reach(authorizationUrl)).text();
      const form = new URLSearchParams({
        asking: /name="asking" value="([^"]+)"/.exec(page)?.[1] ?? '',
        account: email,
        decision: 'allow',
      });
      for (const [, scope] of page.matchAll(/name="scope" value="([^"]+)"/g)) form.append('scope', scope);
      const action = /<form method="post" action="([^"]+)"/.exec(page)?.[1] ?? '';
      const allowed = await reach(new URL(action, authorizationUrl), { method: 'POST', body: form, redirect: 'manual' });
      const cookie = begun.headers
        .getSetCookie()
        .map((each) => each.replace(/;.*$/s, ''))
        .join('; ');
      const back = await (await reach(allowed.headers.get('location') ?? authorizationUrl, { headers: { cookie } })).text();
      const code = /Code: <code>([^<]+)/.exec(back)?.[1];
      if (code !== undefined) throw Object.assign(new Told(`The answer of ${provider} connected nothing (${code}).`), { code });
      return until(`Connecting the account of ${provider}`, async () => {
        const connection = await request('GET', `/v1/calendar/connections/${connectionId}`);
        return connection.calendars.length > 0 ? connection : null;
      });
    },
    /** Signs in at the sandbox's Apple as a browser does, and then gives the password that opens the calendars. */
    connectApple: async ({ username, password }) => {
      const begun = await reach(`${api}/v1/calendar/connections`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ provider: 'apple', consent: true }),
      });
      const { connectionId, authorizationUrl, detail } = await begun.json();
      if (authorizationUrl === undefined) throw new Told(`There is no sign-in with Apple here: ${detail}`);
      const hidden = (page) => [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, ...pair]) => pair);
      const target = (page) =>
        /<form method="post" action="([^"]+)"/.exec(page)?.[1].replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(code)) ?? '';
      const page = await (await reach(authorizationUrl)).text();
      const choice = new URLSearchParams([...hidden(page), ['account', username], ['email', 'share'], ['decision', 'allow']]);
      const posting = await (await reach(new URL(target(page), authorizationUrl), { method: 'POST', body: choice })).text();
      const cookie = begun.headers
        .getSetCookie()
        .map((each) => each.replace(/;.*$/s, ''))
        .join('; ');
      await reach(target(posting), { method: 'POST', body: new URLSearchParams(hidden(posting)), headers: { cookie } });
      return request('POST', `/v1/calendar/connections/${connectionId}/credentials`, { username, password });
    },
    settled: () =>
      until('Reading the calendars', async () => {
        const all = await connections();
        return all.every(({ status }) => status !== 'syncing') ? all : null;
      }),
    /** Everything from one instant to another, with the freshness of each calendar. */
    events: async (start, end) => {
      const items = [];
      let page = { nextCursor: '' };
      while (page.nextCursor !== null) {
        const cursor = page.nextCursor === '' ? '' : `&cursor=${encodeURIComponent(page.nextCursor)}`;
        page = await request('GET', `/v1/calendar/events?range=${start.toISOString()}/${end.toISOString()}&limit=500${cursor}`);
        items.push(...page.items);
      }
      return { items, freshness: page.freshness };
    },
    /** Reads now, and answers how it ended. */
    sync: async (scope = {}) => {
      const { syncId } = await request('POST', '/v1/calendar/sync', scope);
      return until('Reading the calendars', async () => {
        const run = await request('GET', `/v1/calendar/sync/${syncId}`);
        return run.state === 'done' || run.state === 'failed' ? run : null;
      });
    },
  };
};

/** The sandbox of a service that keeps its data there: its address, its accounts, and the faults it can be told to show. */
export const sandboxOf = async (dataDir) => {
  let port;
  try {
    port = readFileSync(join(dataDir, 'sandbox.port'), 'utf8').trim();
  } catch {
    throw new Told(`There is no sandbox in ${dataDir}. Start the service with it: npm start`);
  }
  const url = `http://localhost:${port}/`;
  const { accounts } = await (await reach(`${url}sandbox`)).json();
  const authorization = ({ username, password }) => `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  return {
    url,
    accounts,
    account: (username) => accounts.find((each) => each.username === username),
    switchOn: async (fault) => {
      const headers = { 'content-type': 'application/json' };
      await (await reach(`${url}sandbox/faults`, { method: 'POST', headers, body: JSON.stringify(fault) })).text();
    },
    switchOff: async () => {
      await (await reach(`${url}sandbox/faults`, { method: 'DELETE' })).text();
    },
    /** Changes the text of an event as any other client would: read it, write it with the etag that was read. */
    change: async (account, path, change) => {
      const address = `${url}dav/calendars/${encodeURIComponent(account.username)}/${path}`;
      const read = await reach(address, { headers: { authorization: authorization(account) } });
      const body = change(await read.text());
      const headers = { authorization: authorization(account), 'content-type': 'text/calendar', 'if-match': read.headers.get('etag') };
      const written = await reach(address, { method: 'PUT', headers, body });
      await written.text();
      if (!written.ok) throw new Told(`The sandbox answered ${written.status} to the change.`);
    },
  };
};

/** Runs a script's body; what a person can mend is one line, everything else a stack, and both end with 1. */
export const toldOnFailure = async (body) => {
  try {
    await body();
  } catch (error) {
    process.stderr.write(`${error instanceof Told ? error.message : error.stack}\n`);
    process.exitCode = 1;
  }
};
