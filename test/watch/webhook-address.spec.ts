import { describe, expect, it } from '@jest/globals';
import { type Reach, webhookAddress } from '../../src/watch/webhook-address.js';

const VENDOR = 'https://www.googleapis.com';
const SIMULATOR = 'http://localhost:3002';
const HERE: Reach = { publicUrl: null, host: '127.0.0.1', port: 3000, hasTls: false, hasApi: true };

const address = (apiUrl: string, change: Partial<Reach> = {}) => webhookAddress('google', apiUrl, { ...HERE, ...change });

describe('The notifications of a vendor', () => {
  it('go to where the service is reached by https', () => {
    expect(address(VENDOR, { publicUrl: 'https://calendar.example.com' })).toBe('https://calendar.example.com/v1/webhooks/google');
    expect(address(VENDOR, { publicUrl: 'https://example.com/juy' })).toBe('https://example.com/juy/v1/webhooks/google');
  });

  it.each([
    null,
    'http://calendar.example.com',
    'https://localhost:3000',
    'https://127.0.0.1',
    'https://[::1]:3000',
    'http://127.0.0.1:3000',
  ])('do not come where PUBLIC_URL is %j', (publicUrl) => {
    expect(address(VENDOR, { publicUrl })).toBeNull();
  });

  it('come to a process that does not listen itself, where others do', () => {
    const publicUrl = 'https://calendar.example.com';
    for (const change of [{ hasApi: false }, { port: 0 }, { hasTls: true }, { host: '0.0.0.0' }])
      expect(address(VENDOR, { publicUrl, ...change })).toBe(`${publicUrl}/v1/webhooks/google`);
  });
});

describe('The notifications of a simulator on this machine', () => {
  it.each([
    ['127.0.0.1', 'http://127.0.0.1:3000'],
    ['localhost', 'http://localhost:3000'],
    ['::1', 'http://[::1]:3000'],
    ['0.0.0.0', 'http://127.0.0.1:3000'],
    ['::', 'http://127.0.0.1:3000'],
  ])('go to where the service listens: %s', (host, origin) => {
    expect(address(SIMULATOR, { host })).toBe(`${origin}/v1/webhooks/google`);
    expect(address('http://127.0.0.1:3002/google', { host })).toBe(`${origin}/v1/webhooks/google`);
  });

  it('do not go the long way round', () => {
    expect(address(SIMULATOR, { publicUrl: 'https://calendar.example.com' })).toBe('http://127.0.0.1:3000/v1/webhooks/google');
    expect(address(SIMULATOR, { publicUrl: 'http://calendar.example.com' })).toBe('http://127.0.0.1:3000/v1/webhooks/google');
  });

  it('go to a PUBLIC_URL on this machine, also where another process plays the API', () => {
    expect(address(SIMULATOR, { publicUrl: 'http://localhost:8080', hasApi: false })).toBe('http://localhost:8080/v1/webhooks/google');
  });

  it.each([{ host: '192.0.2.7' }, { port: 0 }, { hasTls: true }, { hasApi: false }])('do not come where the process has %j', (change) => {
    expect(address(SIMULATOR, change)).toBeNull();
    expect(address(SIMULATOR, { ...change, publicUrl: 'http://calendar.example.com' })).toBeNull();
    expect(address(SIMULATOR, { ...change, publicUrl: 'https://calendar.example.com' })).toBe(
      'https://calendar.example.com/v1/webhooks/google',
    );
  });
});
