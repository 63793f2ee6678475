import { describe, expect, it } from '@jest/globals';
import { nextStepFor, reasonFor } from '../../src/sync/reasons.js';
import { providersHere } from '../../src/connection/providers.js';
import { PROVIDER_NAMES } from '../../src/provider/names.js';
import { entryOf, runsOf } from '../../src/provider/registry.js';
import { memoryAccount } from '../support/builders.js';

describe('The registry of calendar services', () => {
  it('says how each is connected, and why one is not available here', () => {
    const listed = providersHere(new Map([['caldav', memoryAccount().provider]]));
    expect(listed.map(({ provider, connect, available }) => [provider, connect, available])).toEqual([
      ['google', 'oauth', false],
      ['microsoft', 'oauth', false],
      ['apple', 'credentials', false],
      ['caldav', 'credentials', true],
    ]);
    expect(listed.map(({ help }) => help)).toEqual([
      expect.stringContaining('GOOGLE_CLIENT_ID'),
      expect.stringContaining('MICROSOFT_CLIENT_ID'),
      'Not available in this release.',
      expect.stringContaining('address of the server'),
    ]);
  });

  it.each(PROVIDER_NAMES)('tells the owner of a %s account what a refused access means, in words of its own', (provider) => {
    expect([reasonFor('access-revoked', provider), nextStepFor('access-revoked', provider)]).toEqual(
      Object.values(entryOf(provider).words.revoked),
    );
  });

  it('tells the owner of a Microsoft account where a permission is taken back that programs cannot give back', () => {
    expect(nextStepFor('grant.owners', 'microsoft')).toMatch(/myapps[.]microsoft[.]com.*account[.]live[.]com/);
  });

  it('takes a name it does not know for a server of which nothing is known', () => {
    for (const name of ['elsewhere', 'toString', '__proto__']) expect(entryOf(name)).toBe(entryOf('caldav'));
  });

  it('lets a host of few people be asked for four calendars at once, and an account for two', () => {
    expect([runsOf('//dav.example'), runsOf('b3e0f6a2-8f43-4f0c-9d5c-6a4f5a6f2a11')]).toEqual([4, 2]);
  });
});
