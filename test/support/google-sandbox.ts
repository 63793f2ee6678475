import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type GoogleStart } from '../../src/embedded/google/account.js';
import { GOOGLE_SANDBOX_CLIENT, type GoogleSandbox, startGoogleSandbox } from '../../src/embedded/google.sandbox.js';

export const REDIRECT = 'http://127.0.0.1:4999/back';
export const CALENDAR_SCOPE = 'https://www.googleapis.com/auth/calendar';
export const EVENTS_SCOPE = `${CALENDAR_SCOPE}.events`;
export const LIST_SCOPE = `${CALENDAR_SCOPE}.calendarlist.readonly`;

export const ANN = 'ann@people.example';
export const BOB = 'bob@people.example';
export const TEAM = 'c_team@group.calendar.google.com';
export const FREE_BUSY = 'c_quiet@group.calendar.google.com';
export const HOLIDAYS = 'en.nowhere#holiday@group.v.calendar.google.com';

/** Two people: Ann's own calendar in Sao Paulo, one shared with her, one of which she sees times only, and holidays. */
export const twoPeople = (): GoogleStart => ({
  people: [
    {
      email: ANN,
      fullName: 'Ann Anybody',
      list: [
        { calendar: HOLIDAYS, accessRole: 'reader' },
        { calendar: ANN, accessRole: 'owner', primary: true },
        { calendar: TEAM, accessRole: 'reader', summaryOverride: 'My team' },
        { calendar: FREE_BUSY, accessRole: 'freeBusyReader' },
      ],
    },
    {
      email: BOB,
      fullName: 'Bob Somebody',
      list: [
        { calendar: BOB, accessRole: 'owner', primary: true },
        { calendar: TEAM, accessRole: 'owner' },
      ],
    },
  ],
  calendars: [
    { id: ANN, summary: ANN, timeZone: 'America/Sao_Paulo' },
    { id: BOB, summary: BOB, timeZone: 'Europe/Paris' },
    { id: TEAM, summary: 'Team', timeZone: 'Europe/Paris' },
    { id: FREE_BUSY, summary: 'Quiet', timeZone: 'Europe/Paris' },
    { id: HOLIDAYS, summary: 'Holidays in Nowhere', timeZone: 'Europe/Paris', watchable: false },
  ],
});

/** A clock that a suite moves. */
export const movedClock = (now = Date.parse('2026-11-22T10:00:00Z')) => {
  let [time] = [now];
  return { now: () => time, move: (milliseconds: number) => void (time += milliseconds) };
};

type Content = Readonly<Record<string, unknown>>;

export type GoogleReply = Readonly<{ status: number; headers: Headers; body: string; json: Content }>;

const replyOf = async (answer: Response): Promise<GoogleReply> => {
  const body = await answer.text();
  const isJson = /json/.test(answer.headers.get('content-type') ?? '');
  return { status: answer.status, headers: answer.headers, body, json: isJson ? (JSON.parse(body) as Content) : {} };
};

/** What a person does on the consent page. */
export type OnPage = Readonly<{ account?: string; untick?: readonly string[]; deny?: boolean }>;

/** Where the simulator is, with a slash at the end. */
type At = Pick<GoogleSandbox, 'url'>;

const VERIFIER = 'a-verifier-that-is-long-enough-for-rfc-7636-0123456789';

/** Where a person is sent to be asked. */
export const askingUrl = (sandbox: At, parameters: Readonly<Record<string, string | null>> = {}): string => {
  const url = new URL(`${sandbox.url}o/oauth2/v2/auth`);
  const all: Readonly<Record<string, string | null>> = {
    client_id: GOOGLE_SANDBOX_CLIENT.id,
    redirect_uri: REDIRECT,
    response_type: 'code',
    scope: `openid email ${EVENTS_SCOPE} ${LIST_SCOPE}`,
    state: 'a-state',
    access_type: 'offline',
    prompt: 'consent',
    code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
    code_challenge_method: 'S256',
    ...parameters,
  };
  for (const [name, value] of Object.entries(all)) if (value !== null) url.searchParams.set(name, value);
  return url.href;
};

export const valuesOf = (page: string, name: string): readonly string[] =>
  [...page.matchAll(/<input [^>]*>/g)].flatMap(([input]) =>
    input.includes(`name="${name}"`) ? (/value="([^"]*)"/.exec(input)?.[1] ?? []) : [],
  );

/** Opens the consent page, fills its form in and sends it, as a browser does; answers the redirect. */
export const consentOn = async (url: string, { account = ANN, untick = [], deny = false }: OnPage = {}): Promise<GoogleReply> => {
  const page = await replyOf(await fetch(url, { redirect: 'manual' }));
  if (page.status !== 200) return page;
  const form = new URLSearchParams({ account, decision: deny ? 'deny' : 'allow', asking: valuesOf(page.body, 'asking')[0] ?? '' });
  for (const scope of valuesOf(page.body, 'scope')) if (!untick.includes(scope)) form.append('scope', scope);
  return replyOf(await fetch(new URL('/o/oauth2/v2/auth/decision', url), { method: 'POST', body: form, redirect: 'manual' }));
};

export const locationOf = ({ headers }: GoogleReply): URL => new URL(headers.get('location') ?? 'none:');

/** Posts a form to the token endpoint; null leaves a parameter out. */
export const askToken = async (sandbox: At, parameters: Readonly<Record<string, string | null>>): Promise<GoogleReply> => {
  const all: Readonly<Record<string, string | null>> = {
    client_id: GOOGLE_SANDBOX_CLIENT.id,
    client_secret: GOOGLE_SANDBOX_CLIENT.secret,
    ...parameters,
  };
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(all)) if (value !== null) body.set(name, value);
  return replyOf(await fetch(`${sandbox.url}token`, { method: 'POST', body }));
};

export const exchangeCode = (sandbox: At, code: string, more: Readonly<Record<string, string | null>> = {}): Promise<GoogleReply> =>
  askToken(sandbox, { grant_type: 'authorization_code', code, code_verifier: VERIFIER, redirect_uri: REDIRECT, ...more });

export const refreshed = (sandbox: At, refreshToken: unknown): Promise<GoogleReply> =>
  askToken(sandbox, { grant_type: 'refresh_token', refresh_token: String(refreshToken) });

/** The tokens of somebody who allowed what was asked. */
export const tokensFor = async (
  sandbox: At,
  onPage: OnPage = {},
  parameters: Readonly<Record<string, string | null>> = {},
): Promise<Content> => {
  const back = locationOf(await consentOn(askingUrl(sandbox, parameters), onPage));
  return (await exchangeCode(sandbox, back.searchParams.get('code') ?? '')).json;
};

/** Asks the API with an access token. */
export const askApi = async (sandbox: At, token: unknown, path: string, order?: Content): Promise<GoogleReply> => {
  const body = order === undefined ? {} : { method: 'POST', body: JSON.stringify(order) };
  const headers = { authorization: `Bearer ${String(token)}`, 'content-type': 'application/json' };
  return replyOf(await fetch(`${sandbox.url}calendar/v3/${path}`, { headers, ...body }));
};

export const startTwoPeople = (clock: Readonly<{ now: () => number }>, more: Partial<Parameters<typeof startGoogleSandbox>[0]> = {}) =>
  startGoogleSandbox({ clock, port: 0, timeZone: 'Europe/Paris', restlessness: null, start: twoPeople(), ...more });

export type Message = Readonly<{ method: string; body: string; headers: Readonly<Record<string, string | string[] | undefined>> }>;

/** Who is told of changes: keeps what comes, and answers as it is told to. */
export const startListener = async () => {
  const messages: Message[] = [];
  const answers: number[] = [];
  const server = createServer((incoming, outgoing) => {
    let body = '';
    incoming.on('data', (part: Buffer) => (body += part.toString()));
    incoming.on('end', () => {
      messages.push({ method: incoming.method ?? '', body, headers: incoming.headers });
      outgoing.writeHead(answers.shift() ?? 200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    messages,
    /** What the next messages are answered with. */
    answerWith: (...statuses: readonly number[]) => void answers.push(...statuses),
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
};

export const newChannelId = (): string => randomBytes(12).toString('hex');
