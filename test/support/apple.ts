import { type AppleSandbox, startAppleSandbox } from '../../src/embedded/apple.sandbox.js';
import { caldavProvider, ICLOUD } from '../../src/provider/caldav/caldav.provider.js';
import { type AppleSettings } from '../../src/provider/apple/apple-settings.js';
import { withSignIn } from '../../src/provider/apple/apple.identity.js';
import { type CalendarProvider } from '../../src/provider/calendar-provider.js';
import { type GuardedHttp } from '../../src/provider/http/guarded.http.js';
import { valuesOf } from './google-sandbox.js';

const clock = { now: () => Date.now() };

export const ALICE = { email: 'alice@sandbox.example', fullName: 'Alice Anybody' };
export const BOB = { email: 'bob@sandbox.example', fullName: 'Bob Anybody' };

export const startTwoApplePeople = (): Promise<AppleSandbox> => startAppleSandbox({ clock, port: 0, people: [ALICE, BOB] });

/** The sandbox's client, for people whose calendars are at `caldavUrl`. */
export const appleAt = ({ origin, client }: AppleSandbox, caldavUrl: string | null = null): AppleSettings => ({
  ...client,
  idUrl: origin,
  caldavUrl,
});

export const appleProvider = (http: GuardedHttp, apple: AppleSettings): CalendarProvider =>
  withSignIn(caldavProvider({ http, clock, service: { ...ICLOUD, serverUrl: apple.caldavUrl } }), { http, clock, apple });

/** What a person does on Apple's page. */
export type OnApplesPage = Readonly<{ account?: string; hide?: boolean; cancel?: boolean }>;

/** Where Apple's page posts to, and what. */
export type Posted = Readonly<{ target: string; form: URLSearchParams }>;

/** Signs in on Apple's page as a browser does, up to the form that leads back. */
export const signInAt = async (authorizationUrl: string, { account = ALICE.email, hide, cancel }: OnApplesPage = {}): Promise<Posted> => {
  const page = await (await fetch(authorizationUrl)).text();
  const asked = new URLSearchParams({ asking: valuesOf(page, 'asking')[0] ?? '', account, decision: cancel === true ? 'deny' : 'allow' });
  asked.append('email', hide === true ? 'hide' : 'share');
  const answer = await fetch(new URL('/auth/decision', authorizationUrl), { method: 'POST', body: asked });
  const posting = await answer.text();
  const form = new URLSearchParams();
  for (const name of ['code', 'state', 'error', 'user']) for (const value of valuesOf(posting, name)) form.append(name, unescaped(value));
  return { target: unescaped(/<form method="post" action="([^"]+)"/.exec(posting)?.[1] ?? ''), form };
};

const unescaped = (text: string): string => text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
