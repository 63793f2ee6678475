import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type MicrosoftStart, PERSONAL_TENANT } from '../../src/embedded/microsoft/account.js';
import { MICROSOFT_SANDBOX_CLIENT, type MicrosoftSandbox, startMicrosoftSandbox } from '../../src/embedded/microsoft.sandbox.js';

export const REDIRECT = 'http://127.0.0.1:4999/back';

export const ANN = 'ann@people.example';
export const BOB = 'bob@people.example';
export const HOME = 'home@people.example';
export const ANNS = 'AQMkAnns/Calendar=';
export const BOBS = 'AQMkBobsCalendar=';
export const HOMES = 'AQMkHomesCalendar=';
export const SHARED = 'AQMkShared==';
export const QUIET = 'AQMkQuiet==';
export const HOLIDAYS = 'AQMkHolidays==';
export const TENANT = '11111111-2222-4333-8444-555555555555';
export const OTHER_TENANT = '99999999-2222-4333-8444-555555555555';

export const READ = 'openid profile email offline_access User.Read Calendars.Read Calendars.Read.Shared';

const bob = { name: 'Bob Somebody', address: BOB };

/** Ann at work in Sao Paulo, with what Bob shares; Bob; somebody with a personal account, without a mailbox, and under an administrator. */
export const graphPeople = (): MicrosoftStart => ({
  people: [
    {
      ...{ email: ANN, fullName: 'Ann Anybody', tenant: TENANT, timeZone: 'E. South America Standard Time' },
      list: [
        { calendar: ANNS, role: 'owner' },
        { calendar: SHARED, role: 'read' },
        { calendar: QUIET, role: 'freeBusyRead' },
        { calendar: HOLIDAYS, role: 'owner' },
      ],
    },
    {
      ...{ email: BOB, fullName: 'Bob Somebody', tenant: TENANT, timeZone: 'Romance Standard Time' },
      list: [
        { calendar: BOBS, role: 'owner' },
        { calendar: SHARED, role: 'owner' },
      ],
    },
    {
      ...{ email: HOME, fullName: 'Hope Home', tenant: PERSONAL_TENANT, timeZone: 'UTC' },
      list: [{ calendar: HOMES, role: 'owner' }],
    },
    { email: 'nomail@people.example', fullName: 'Nil Nomail', tenant: TENANT, timeZone: 'UTC', mailbox: false, list: [] },
    { email: 'strict@people.example', fullName: 'Stan Strict', tenant: OTHER_TENANT, timeZone: 'UTC', needsAdmin: true, list: [] },
  ],
  calendars: [
    { id: ANNS, name: 'Work', owner: { name: 'Ann Anybody', address: ANN } },
    { id: BOBS, name: 'Work', owner: bob },
    { id: SHARED, name: 'Team', owner: bob },
    { id: QUIET, name: 'Quiet', owner: bob },
    { id: HOMES, name: 'Home', owner: { name: 'Hope Home', address: HOME } },
    { id: HOLIDAYS, name: 'Nowhere holidays', owner: { name: 'Ann Anybody', address: ANN }, editable: false },
  ],
});

type Content = Readonly<Record<string, unknown>>;

export type Reply = Readonly<{ status: number; headers: Headers; body: string; json: Content }>;

const replyOf = async (answer: Response): Promise<Reply> => {
  const body = await answer.text();
  const isJson = /json/.test(answer.headers.get('content-type') ?? '');
  return { status: answer.status, headers: answer.headers, body, json: isJson ? (JSON.parse(body) as Content) : {} };
};

/** Where the simulator is, with a slash at the end. */
type At = Pick<MicrosoftSandbox, 'url'>;

const VERIFIER = 'a-verifier-that-is-long-enough-for-rfc-7636-0123456789';

/** `tenant`: whom the address asks. */
export type Asked = Readonly<{ tenant?: string } & Record<string, string | null>>;

/** Where a person is sent to be asked. */
export const askingUrl = ({ url: base }: At, { tenant = 'common', ...parameters }: Asked = {}): string => {
  const url = new URL(`${base}${tenant}/oauth2/v2.0/authorize`);
  const all: Readonly<Record<string, string | null>> = {
    client_id: MICROSOFT_SANDBOX_CLIENT.id,
    redirect_uri: REDIRECT,
    response_type: 'code',
    scope: READ,
    state: 'a-state',
    code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
    code_challenge_method: 'S256',
    ...parameters,
  };
  for (const [name, value] of Object.entries(all)) if (value !== null) url.searchParams.set(name, value);
  return url.href;
};

const fieldOf = (page: string, pattern: RegExp): string => pattern.exec(page)?.[1] ?? '';

/** Answers a page as a browser does, by its form. */
const answerPage = async (url: string, page: string, fields: Readonly<Record<string, string>>): Promise<Reply> => {
  const action = fieldOf(page, /<form method="post" action="([^"]+)"/);
  const body = new URLSearchParams({ asking: fieldOf(page, /name="asking" value="([^"]+)"/), ...fields });
  return replyOf(await fetch(new URL(action, url), { method: 'POST', body, redirect: 'manual' }));
};

/** What a person does on the consent page. `account` of one who needs an administrator: they go back without consent. */
export type OnPage = Readonly<{ account?: string; deny?: boolean }>;

/** Opens the consent page, answers it, and the one that may come after; answers the redirect. */
export const consentOn = async (url: string, { account = ANN, deny = false }: OnPage = {}): Promise<Reply> => {
  const page = await replyOf(await fetch(url, { redirect: 'manual' }));
  if (page.status !== 200) return page;
  const reply = await answerPage(url, page.body, { account, decision: deny ? 'deny' : 'allow' });
  return reply.status === 200 ? answerPage(url, reply.body, { decision: 'return' }) : reply;
};

export const locationOf = ({ headers }: Reply): URL => new URL(headers.get('location') ?? 'none:');

/** Posts a form to the token endpoint; null leaves a parameter out. */
export const askToken = async ({ url }: At, { tenant = 'common', ...parameters }: Asked): Promise<Reply> => {
  const all: Readonly<Record<string, string | null>> = {
    client_id: MICROSOFT_SANDBOX_CLIENT.id,
    client_secret: MICROSOFT_SANDBOX_CLIENT.secret,
    ...parameters,
  };
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(all)) if (value !== null) body.set(name, value);
  return replyOf(await fetch(`${url}${tenant}/oauth2/v2.0/token`, { method: 'POST', body }));
};

export const exchangeCode = (sandbox: At, code: string, more: Asked = {}): Promise<Reply> =>
  askToken(sandbox, { grant_type: 'authorization_code', code, code_verifier: VERIFIER, redirect_uri: REDIRECT, ...more });

export const refreshed = (sandbox: At, refreshToken: unknown, more: Asked = {}): Promise<Reply> =>
  askToken(sandbox, { grant_type: 'refresh_token', refresh_token: String(refreshToken), ...more });

/** The tokens of somebody who accepted what was asked. */
export const tokensFor = async (sandbox: At, onPage: OnPage = {}, parameters: Asked = {}): Promise<Content> => {
  const back = locationOf(await consentOn(askingUrl(sandbox, parameters), onPage));
  return (await exchangeCode(sandbox, back.searchParams.get('code') ?? '')).json;
};

export const ALWAYS = 'IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"';

export type Asking = Readonly<{ method?: string; prefer?: string; body?: unknown; headers?: Readonly<Record<string, string>> }>;

/** Asks Graph with an access token: a path under `/v1.0/`, or a whole link. */
export const askGraph = async (
  { url }: At,
  token: unknown,
  path: string,
  { method = 'GET', prefer = ALWAYS, body, headers = {} }: Asking = {},
): Promise<Reply> =>
  replyOf(
    await fetch(path.startsWith('http') ? path : `${url}v1.0/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${String(token)}`,
        ...(prefer === '' ? {} : { prefer }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );

export const startGraphPeople = (clock: Readonly<{ now: () => number }>, more: Partial<Parameters<typeof startMicrosoftSandbox>[0]> = {}) =>
  startMicrosoftSandbox({ clock, port: 0, timeZone: 'Europe/Paris', restlessness: null, start: graphPeople(), ...more });

type Notice = Readonly<Record<string, unknown>>;

/** Who is told of changes: validates as Graph wants it, keeps what comes, and answers as it is told to. */
export const startGraphListener = async () => {
  const notices: (Notice & Readonly<{ to: string }>)[] = [];
  const posts: number[] = [];
  const answers: number[] = [];
  const handshake = { type: 'text/plain', reply: (token: string) => token };
  const server = createServer((incoming, outgoing) => {
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://any/');
    const token = searchParams.get('validationToken');
    let body = '';
    incoming.on('data', (part: Buffer) => (body += part.toString()));
    incoming.on('end', () => {
      if (token !== null) {
        outgoing.writeHead(200, { 'content-type': handshake.type }).end(handshake.reply(token));
        return;
      }
      const { value } = JSON.parse(body) as { value: readonly Notice[] };
      posts.push(value.length);
      notices.push(...value.map((notice) => ({ ...notice, to: pathname })));
      outgoing.writeHead(answers.shift() ?? 202).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    notices,
    /** How many notices each request had. */
    posts,
    handshake,
    /** What the next notices are answered with. */
    answerWith: (...statuses: readonly number[]) => void answers.push(...statuses),
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
};
