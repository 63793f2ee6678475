import { beforeAll, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type ConnectionView } from '../../../src/connection/connection.contract.js';
import { type GoogleLinked, type GoogleSuite, personOf, type Person } from '../../support/linked-service.js';
import { eventually } from '../../support/store.js';

const SHARED = 'team@work.example';

const suite = (given: () => GoogleLinked): void => {
  let linked: GoogleLinked;
  beforeAll(() => {
    linked = given();
  });

  const someone = (): Promise<Person> => personOf(linked.service, `person-${randomUUID()}`);

  /** Revokes, and waits until the connection is wound up. */
  const revoke = async (person: Person, { connectionId }: ConnectionView): Promise<ConnectionView> => {
    expect((await person.request('DELETE', `/v1/calendar/connections/${connectionId}`)).status).toBe(202);
    await eventually('it is wound up', async () => {
      const rows = await linked.service.rows('select 1 from connections where connection_id = $1 and purged_at is not null', [
        connectionId,
      ]);
      return rows.length > 0;
    });
    return person.view(connectionId);
  };

  /** How often Google was asked to end a grant. */
  const givenBack = (): number => linked.google.requests().filter(({ path }) => path.startsWith('/revoke')).length;

  /** Renews the tokens of a connection at Google, which only a grant that lives can do. */
  const renews = async (person: Person, { connectionId }: ConnectionView): Promise<ConnectionView['status']> => {
    linked.google.act({ action: 'expire-access', account: SHARED });
    await linked.clockwork.tend(connectionId);
    return (await person.view(connectionId)).status;
  };

  it('goes on for one when the other revokes, who is told so, and is given back with the last connection', async () => {
    const [ada, bob] = [await someone(), await someone()];
    const others = givenBack();
    const [hers, his] = [await linked.link(ada, SHARED), await linked.link(bob, SHARED)];

    expect(await revoke(ada, hers)).toMatchObject({
      ...{ status: 'revoked', account: null, calendars: [], code: 'grant.shared' },
      reason: expect.stringContaining('another connection'),
      nextStep: expect.stringContaining('Google'),
    });
    expect([givenBack() - others, await renews(bob, his)]).toEqual([0, 'connected']);

    expect(await revoke(bob, his)).toMatchObject({ status: 'revoked', code: null, reason: null, nextStep: null });
    expect(givenBack() - others).toBe(1);
  });
};

export const sharedAccount: GoogleSuite = { title: 'A Google account that two people have linked', zones: { [SHARED]: 'UTC' }, suite };
