import { describe, expect, it } from '@jest/globals';
import { operatorMistakes } from '../../src/app/operator-mistakes.js';
import { healthRegistry } from '../../src/infra/http/health.registry.js';
import { type CalendarProvider, ProviderFault } from '../../src/provider/calendar-provider.js';
import { fixedGrant } from '../../src/provider/grant.js';
import { OAuthRefused } from '../../src/provider/oauth.js';
import { memoryAccount } from '../support/builders.js';
import { allowed } from '../support/caldav.js';

const SECRET = { accessToken: 'a', refreshToken: 'b' };
const ANSWER = { parameters: new URLSearchParams(), redirectUri: '', state: '', verifier: '', access: 'read' } as const;

/** A service that fails as it is told, watched as the program watches it. */
const watchedService = () => {
  let failure: Error | null = null;
  const failing = <T>(done: T): Promise<T> => (failure === null ? Promise.resolve(done) : Promise.reject(failure));
  const account = memoryAccount();
  const provider: CalendarProvider = {
    ...account.provider,
    discover: () => failing({ accountId: 'ada', accountName: 'ada', calendars: [] }),
    oauth: {
      authorizationUrl: () => '',
      refresh: () => failing(SECRET),
      complete: () => failing({ secret: SECRET, accountId: 'ada', accountName: 'ada', scopes: [], access: 'read' as const }),
    },
  };
  const logged: unknown[] = [];
  const unwatched = new Map([
    ['vendor', provider],
    ['caldav', account.provider],
  ]);
  const { providers, addChecks } = operatorMistakes(unwatched, { error: (...line) => logged.push(line) });
  const health = healthRegistry();
  addChecks(health, 'accounts');
  const watched = providers.get('vendor');
  if (!watched?.oauth) throw new Error('it is not watched');
  return {
    ...{ account, logged, health, provider: watched, oauth: watched.oauth },
    failWith: (error: Error | null) => {
      failure = error;
    },
  };
};
const WELL = [{ name: 'vendor accounts', ok: true }];
const ill = (detail: string) => [{ name: 'vendor accounts', ok: false, isPartial: true, detail }];

describe('What the operator has set wrong at a calendar service', () => {
  it('is on health until the same succeeds, and is logged once', async () => {
    const { health, oauth, provider, failWith, logged } = watchedService();
    expect(await health.run()).toEqual(WELL);
    failWith(new ProviderFault('misconfigured', 'the client secret is refused: set GOOGLE_CLIENT_SECRET'));
    for (let time = 0; time < 3; time += 1) await expect(oauth.refresh(SECRET, allowed())).rejects.toBeInstanceOf(ProviderFault);
    expect(await health.run()).toEqual(ill('the client secret is refused: set GOOGLE_CLIENT_SECRET'));
    expect(logged).toHaveLength(1);
    failWith(null);
    await provider.discover(fixedGrant(SECRET), allowed());
    expect((await health.run())[0]?.ok).toBe(false);
    await oauth.refresh(SECRET, allowed());
    expect(await health.run()).toEqual(WELL);
  });

  it('is told by a scan, a discovery and a redirect as well', async () => {
    const { account, health, oauth, provider, failWith } = watchedService();
    const disabled = new ProviderFault('misconfigured', 'the API is not enabled');
    account.failNext(disabled);
    const request = { cursor: null, soon: null, window: { start: '', end: '' }, held: 0, list: false, call: allowed() };
    const scan = () => provider.scan(fixedGrant(SECRET), '', { ...request, known: () => Promise.resolve(new Map()) }).next();
    await expect(scan()).rejects.toBe(disabled);
    failWith(new OAuthRefused('oauth.failed', 'Connecting again does not help.', true, 'the redirect address is not registered'));
    await expect(oauth.complete(ANSWER, allowed())).rejects.toBeInstanceOf(OAuthRefused);
    expect(await health.run()).toEqual(ill('the API is not enabled; the redirect address is not registered'));
  });

  it('is no fault of a person or of the service itself', async () => {
    const { health, oauth, failWith } = watchedService();
    for (const error of [new ProviderFault('unavailable', 'away'), new OAuthRefused('oauth.denied', 'not allowed'), new Error('ours')]) {
      failWith(error);
      await expect(oauth.complete(ANSWER, allowed())).rejects.toBe(error);
      await expect(oauth.refresh(SECRET, allowed())).rejects.toBe(error);
    }
    expect(await health.run()).toEqual(WELL);
  });
});
