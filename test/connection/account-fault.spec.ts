import { describe, expect, it } from '@jest/globals';
import { ACCOUNT_FAULTS, accountFaultOf, obstacleOf } from '../../src/connection/account-fault.js';
import { crowdOf, secretOnce } from '../../src/connection/account.proof.js';
import { KeyDestroyed, type Secret, SecretMissing } from '../../src/kernel/vault.js';
import { type Fault, ProviderFault } from '../../src/provider/calendar-provider.js';

const FAULTS: Readonly<Record<Fault, 'account' | 'calendar'>> = {
  'access-revoked': 'account',
  'access-expired': 'account',
  'access-withdrawn': 'account',
  'access-policy': 'account',
  unavailable: 'account',
  throttled: 'account',
  'refused-address': 'account',
  elsewhere: 'account',
  misconfigured: 'account',
  'cursor-expired': 'calendar',
  'calendar-gone': 'calendar',
  conflict: 'calendar',
  forbidden: 'calendar',
  malformed: 'calendar',
  'too-large': 'calendar',
};

describe('A fault', () => {
  it.each(Object.entries(FAULTS))('of the kind %s that is met in a calendar is one of its %s', (fault, of) => {
    const told = accountFaultOf({ fault: fault as Fault, hours: null }, 'calendar');
    expect(told).toEqual(of === 'calendar' ? null : { fault, needsReconnect: fault.startsWith('access-'), hours: null });
    expect(ACCOUNT_FAULTS.includes(fault)).toBe(of === 'account');
  });

  it.each(Object.keys(FAULTS))('of the kind %s that is met while the account is looked at is the account’s', (fault) => {
    const told = accountFaultOf({ fault: fault as Fault, hours: 12 }, 'account');
    expect(told).toEqual({ fault, needsReconnect: fault.startsWith('access-'), hours: 12 });
  });
});

describe('An error', () => {
  it('of the provider is its fault, a missing secret a dead grant, a destroyed key the end, and any other says nothing', () => {
    const fault = new ProviderFault('throttled', 'too many requests', 20);
    expect(obstacleOf(fault)).toBe(fault);
    expect(obstacleOf(new SecretMissing('missing'))).toMatchObject({ fault: 'access-revoked' });
    expect(obstacleOf(new KeyDestroyed('destroyed'))).toBe('key-gone');
    expect(obstacleOf(new TypeError('ours'))).toBeNull();
  });
});

describe('The secret of a claimed row', () => {
  const claimed = () => ({ connection_id: 'c', user_id: 'u', provider: 'caldav' });
  const countedVault = (answer: () => Promise<Secret>) => {
    const asked: string[] = [];
    const secret = (userId: string, connectionId: string) => {
      asked.push(`${userId} ${connectionId}`);
      return answer();
    };
    return { asked, secret };
  };

  it('is opened once for its server and its run, and again for the next claim', async () => {
    const vault = countedVault(() => Promise.resolve({ serverUrl: 'https://Dav.example/x', username: 'ada' }));
    const secretOf = secretOnce(vault);
    const row = claimed();
    expect([await crowdOf(secretOf)(row), await secretOf(row)]).toEqual(['//dav.example', expect.objectContaining({ username: 'ada' })]);
    expect(vault.asked).toEqual(['u c']);
    await secretOf(claimed());
    expect(vault.asked).toHaveLength(2);
  });

  it('is not opened to know that a slow account of a service of many people makes no other account wait', async () => {
    const vault = countedVault(() => Promise.reject(new SecretMissing('missing')));
    for (const provider of ['google', 'apple'])
      expect(await crowdOf(secretOnce(vault))({ ...claimed(), provider, connection_id: 'of-ada' })).toBe('of-ada');
    expect(vault.asked).toEqual([]);
  });

  it('that is missing names no server, and is missing for the run as well', async () => {
    const vault = countedVault(() => Promise.reject(new SecretMissing('missing')));
    const secretOf = secretOnce(vault);
    const row = claimed();
    expect(await crowdOf(secretOf)(row)).toBeNull();
    await expect(secretOf(row)).rejects.toBeInstanceOf(SecretMissing);
    expect(vault.asked).toHaveLength(1);
  });
});
