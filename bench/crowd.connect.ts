import { type ConnectionView } from '../src/connection/connection.contract.js';
import { type EventStream, openEventStream } from '../test/support/event-stream.js';
import { EVENTS_SCOPE } from '../test/support/google-sandbox.js';
import { atMicrosoftConsent } from '../test/support/linked-microsoft.js';
import { atConsent } from '../test/support/linked-service.js';
import { type Client, type Service } from '../test/support/service.js';
import { type CrowdPerson } from './crowd.people.js';
import { type Vendors } from './crowd.vendors.js';

/**
 * A person who has been connected; `connectionId` null: they allowed nothing that a connection can live by. `listen`: opens the stream that tells of what
 * changes for them, as the page they look at does.
 */
export type Connected = Readonly<{
  person: CrowdPerson;
  client: Client;
  connectionId: string | null;
  listen: (onNews: () => void) => Promise<EventStream>;
}>;

const READ_SCOPE = 'https://www.googleapis.com/auth/calendar.events.readonly';

const byPassword = async (client: Client, { kind, email: username }: CrowdPerson, { password, caldavUrl }: Vendors): Promise<string> => {
  const credentials = { username, password, ...(kind === 'caldav' ? { serverUrl: caldavUrl } : {}) };
  const { status, body } = await client.request<ConnectionView>('POST', '/v1/calendar/connections', {
    provider: kind,
    consent: true,
    credentials,
  });
  if (status >= 300) throw new Error(`connecting answered ${status}: ${JSON.stringify(body)}`);
  return body.connectionId;
};

/** Follows the consent page of the account's service, as a browser does. */
const byConsent = async (client: Client, { kind, email: account, allows }: CrowdPerson): Promise<string | null> => {
  const untick = { all: [], reading: [EVENTS_SCOPE], nothing: [READ_SCOPE, EVENTS_SCOPE] }[allows];
  const { connectionId, back } =
    kind === 'google'
      ? await atConsent(client, { account, untick, access: allows === 'all' ? 'read' : 'write' })
      : await atMicrosoftConsent(client, account, allows === 'nothing');
  const page = await back();
  const isGood = page.status < 400;
  if (isGood !== (allows !== 'nothing')) throw new Error(`the callback answered ${page.status}: ${await page.text()}`);
  return isGood ? connectionId : null;
};

/** Connects the account of a person through the routes that people use. */
export const connect = async (service: Service, person: CrowdPerson, vendors: Vendors): Promise<Connected> => {
  const client = await service.as(person.name);
  const isByConsent = person.kind === 'google' || person.kind === 'microsoft';
  const authorization = `Bearer ${await service.token(person.name)}`;
  const listen: Connected['listen'] = (onNews) => openEventStream(`${service.url}/v1/calendar/stream`, { authorization }, onNews);
  return {
    person,
    client,
    listen,
    connectionId: isByConsent ? await byConsent(client, person) : await byPassword(client, person, vendors),
  };
};
