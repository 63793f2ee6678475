import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { baseOf, returnAddress, withOutcome } from '../../src/connection/return-address.js';
import { Refused } from '../../src/kernel/refused.js';

const ORIGINS = ['https://app.example.com', 'http://localhost:5173'];
const BASE = 'http://127.0.0.1:3000';

const taken = (returnTo: string): string | null => {
  try {
    return returnAddress(returnTo, ORIGINS, BASE);
  } catch (error) {
    if (error instanceof Refused && error.code === 'connection.return-refused') return null;
    throw error;
  }
};

/** Texts near addresses that are taken. */
const nearMisses = fc
  .tuple(
    fc.constantFrom('', ' ', '\t', '\\', '/', '//', 'https:', 'javascript:', 'https://evil.example/', 'https://evil.example\\@'),
    fc.constantFrom(...ORIGINS, BASE, 'https://APP.example.com', 'app.example.com', 'https:/app.example.com', 'https:\\\\app.example.com'),
    fc.constantFrom(
      '',
      '/',
      '/a?b=c#d',
      '.evil.example',
      '@evil.example',
      ':443',
      ':8443',
      '\\evil.example',
      '%2eevil.example',
      '\u3002evil.example',
    ),
    fc.string({ unit: 'binary', maxLength: 12 }),
  )
  .map((parts) => parts.join(''));

describe('The address a person is sent back to', () => {
  it('is one of an origin that is allowed, for anything that is sent', () => {
    fc.assert(
      fc.property(fc.oneof(nearMisses, fc.webUrl(), fc.string()), (text) => {
        const address = taken(text);
        if (address === null) return;
        const { origin, username, password, href } = new URL(address);
        expect([...ORIGINS, BASE]).toContain(origin);
        expect([username, password, href]).toEqual(['', '', address]);
        expect(address).toMatch(/^https?:[/][/][a-z0-9.:-]+[/]/);
      }),
      { seed: 16, numRuns: 20_000 },
    );
  });

  it('stays of that origin with the outcome in it, and keeps what else it had', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.string()), fc.string(), (query, error) => {
        const address = `https://app.example.com/x?${new URLSearchParams(query).toString()}#part`;
        const { origin, searchParams, hash } = new URL(withOutcome(taken(address) ?? '', { error }));
        expect([origin, hash, searchParams.get('error')]).toEqual(['https://app.example.com', '#part', error]);
        for (const [name, value] of Object.entries(query)) if (name !== 'error') expect(searchParams.get(name)).toBe(value);
      }),
      { seed: 17 },
    );
  });

  it('holds no outcome of an earlier attempt', () => {
    expect(withOutcome('https://app.example.com/?connected=1&error=2&pending=3&confirm=4', { connected: '5' })).toBe(
      'https://app.example.com/?connected=5',
    );
  });
});

describe('The address that vendors send people back to', () => {
  const request = { host: 'localhost:3000', secure: false, port: 3000 };

  it('is PUBLIC_URL where it is set', () => {
    expect(baseOf({ publicUrl: 'https://juy.example/calendar' }, request)).toBe('https://juy.example/calendar');
  });

  it('is on this machine where it is not, under the name the browser used, which is where its cookie goes', () => {
    expect(baseOf({ publicUrl: null }, request)).toBe('http://localhost:3000');
    expect(baseOf({ publicUrl: null }, { ...request, host: '[::1]:3000', secure: true })).toBe('https://[::1]:3000');
    for (const host of ['evil.example', 'localhost.evil.example:3000', 'localhost:3000@evil.example', '127.0.0.1:3000/x', undefined])
      expect(baseOf({ publicUrl: null }, { ...request, host })).toBe('http://127.0.0.1:3000');
  });
});
