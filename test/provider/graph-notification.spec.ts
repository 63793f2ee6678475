import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { clientStateOf, hintsIn, validationTokenIn } from '../../src/provider/microsoft/graph-notification.js';

const CHANNEL = '0f3f1c1e-6f0e-4f6c-9a53-1d8b6d3e2a10';
const OTHER = '5b1e2c77-4f4b-4d4e-8a30-8f4b2f6f9c55';
const TOKEN = 'a-_Z'.repeat(10);
const SUBSCRIPTION = '7f105c7d-2dc5-4530-97cd-4e7ae6534c07';
const ITEM = {
  subscriptionId: SUBSCRIPTION,
  subscriptionExpirationDateTime: '2026-11-29T18:23:45.9356913Z',
  clientState: clientStateOf(CHANNEL, TOKEN),
  changeType: 'updated',
  resource: 'Users/1/Events/AAMk=',
  tenantId: '84bd8158-6d4d-4958-8b9f-9d6445542f95',
  resourceData: { '@odata.type': '#Microsoft.Graph.Event', id: 'AAMk=' },
};
const HINT = { channel: CHANNEL, token: TOKEN, remote: SUBSCRIPTION, number: null, says: 'changed' };

const saying = (lifecycleEvent: unknown) => hintsIn({ value: [{ ...ITEM, changeType: undefined, lifecycleEvent }] });

describe('A notification of Graph', () => {
  it('gives back the channel and the token that its subscription was made with, within 128 characters', () => {
    expect(hintsIn({ value: [ITEM] })).toEqual([HINT]);
    expect(ITEM.clientState.length).toBeLessThanOrEqual(128);
  });

  it('sync-rule 13: may tell of several subscriptions at once, and of one several times', () => {
    const other = { ...ITEM, subscriptionId: OTHER, clientState: clientStateOf(OTHER, TOKEN) };
    const value = [ITEM, { ...ITEM, changeType: 'created' }, null, 'text', {}, other, ITEM];
    expect(hintsIn({ value, validationTokens: ['jwt'] })).toEqual([HINT, { ...HINT, channel: OTHER, remote: OTHER }]);
  });

  it('says of its subscription that it has missed some, is over, or is to be renewed', () => {
    expect(saying('missed')).toEqual([{ ...HINT, says: 'missed' }]);
    expect(saying('subscriptionRemoved')).toEqual([{ ...HINT, says: 'ended' }]);
    expect(saying('reauthorizationRequired')).toEqual([{ ...HINT, says: 'ending' }]);
    expect([saying('__proto__'), saying('somethingNew'), saying(7)]).toEqual([[], [], []]);
  });

  it.each([
    { clientState: undefined },
    { clientState: null },
    { clientState: TOKEN },
    { clientState: `${CHANNEL}.` },
    { clientState: `${CHANNEL}.${'a'.repeat(91)}` },
    { clientState: `${CHANNEL.toUpperCase()}.${TOKEN}` },
    { clientState: { channel: CHANNEL } },
    { subscriptionId: '' },
    { subscriptionId: 7 },
    { subscriptionId: 'x'.repeat(129) },
    { changeType: undefined },
  ])('is none with %j', (change) => {
    expect(hintsIn({ value: [{ ...ITEM, ...change }] })).toEqual([]);
  });

  it('is none of anything else, and never more than a body can hold', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        expect(hintsIn(body)).toEqual([]);
        expect(hintsIn({ value: body })).toEqual([]);
      }),
    );
    const many = Array.from({ length: 2_000 }, (_, index) => ({ ...ITEM, subscriptionId: `s${index}` }));
    expect(hintsIn({ value: many })).toHaveLength(500);
  });
});

describe('The token by which Graph asks about an address', () => {
  const asked = (query: string) => validationTokenIn(new URLSearchParams(query));

  it('is answered decoded', () => {
    expect(asked('validationToken=Validation%3a+Testing+client+application+reachability+for+subscription+Request-Id%3a+1%2B1')).toBe(
      'Validation: Testing client application reachability for subscription Request-Id: 1+1',
    );
    expect(asked('validationToken=%3Cb%3E')).toBe('<b>');
  });

  it.each([
    '',
    'validationToken=',
    'validationToken=a&validationToken=b',
    'validationToken=a%0d%0ab',
    'ValidationToken=a',
    'validationToken=%C3%A9',
  ])('is none in %j', (query) => {
    expect(asked(query)).toBeNull();
    expect(asked(`validationToken=${'a'.repeat(1_025)}`)).toBeNull();
  });
});
