import { describe, expect, it } from '@jest/globals';
import { unheard, webhooksOf } from '../../src/app/webhooks.js';
import { polledLine, welcome } from '../../src/app/welcome.js';
import { readConfig } from '../../src/config/service.config.js';

const CLIENT = { GOOGLE_CLIENT_ID: 'client', GOOGLE_CLIENT_SECRET: 'secret' };
const SANDBOX_URL = 'http://localhost:3002';
const SANDBOX = {
  sandbox: {
    ...{ url: 'http://localhost:3001/', origins: [] },
    microsoft: null,
    apple: null,
    google: { clientId: 's', clientSecret: 's', authUrl: SANDBOX_URL, tokenUrl: SANDBOX_URL, revokeUrl: SANDBOX_URL, apiUrl: SANDBOX_URL },
  },
};
const LIVE = { sandbox: null };

describe('Notifications of Google', () => {
  it('come to PUBLIC_URL when it is https', () => {
    const config = readConfig({ ...CLIENT, PUBLIC_URL: 'https://calendar.example.com/' });
    expect(webhooksOf(config, LIVE)('google')).toBe('https://calendar.example.com/v1/webhooks/google');
    expect(unheard(config, LIVE)).toEqual([]);
  });

  it('come from the sandbox, and from another simulator on this machine, without any setting', () => {
    expect(webhooksOf(readConfig({}), SANDBOX)('google')).toBe('http://127.0.0.1:3000/v1/webhooks/google');
    const simulator = readConfig({ ...CLIENT, GOOGLE_API_URL: 'http://127.0.0.1:4000/google' });
    expect(webhooksOf(simulator, LIVE)('google')).toBe('http://127.0.0.1:3000/v1/webhooks/google');
  });

  it('do not come without https, which is said at the start in one line', () => {
    const config = readConfig({ ...CLIENT, PUBLIC_URL: 'http://calendar.example.com' });
    expect([webhooksOf(config, LIVE)('google'), unheard(config, LIVE)]).toEqual([null, ['google']]);
    const line = polledLine(['google']);
    expect(line).toMatch(/^Google Calendar: .*polled.*Set PUBLIC_URL to .*https\.$/);
    expect(welcome(config, 'http://127.0.0.1:3000', { sandbox: null, unheard: ['google'] })).toContain(`\n  ${line}\n`);
    expect(welcome(config, 'http://127.0.0.1:3000', { sandbox: null, unheard: [] })).not.toContain('polled');
  });
});

describe('A service that sends no notifications, or is not set', () => {
  it('has no address for them, and nothing is said of it', () => {
    const config = readConfig({});
    expect(['google', 'caldav', 'nonsense'].map(webhooksOf(config, LIVE))).toEqual([null, null, null]);
    expect(unheard(config, LIVE)).toEqual([]);
  });
});
