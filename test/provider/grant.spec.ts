import { describe, expect, it } from '@jest/globals';
import { fixedGrant } from '../../src/provider/grant.js';
import { OAuthRefused } from '../../src/provider/oauth.js';

describe('Credentials that never change', () => {
  it('are what they are each time they are asked for, and end when the service refuses them', async () => {
    const secret = { username: 'ada', password: 'open sesame' };
    const grant = fixedGrant(secret);
    expect([await grant.secret(), await grant.secret()]).toEqual([secret, secret]);
    await expect(grant.renew(secret)).rejects.toMatchObject({ fault: 'access-revoked' });
  });
});

describe('A refusal of a vendor', () => {
  it('is the person’s to read unless it says that the operator made the mistake', () => {
    expect(new OAuthRefused('oauth.denied', 'you did not allow it')).toMatchObject({
      operator: false,
      message: 'oauth.denied: you did not allow it',
    });
    expect(new OAuthRefused('oauth.failed', 'the client secret is wrong', true).operator).toBe(true);
  });
});
