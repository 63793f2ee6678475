import { type ConnectionView } from '../../src/connection/connection.contract.js';
import { googleHour, type GoogleLinked, type Person, personOf, startGoogleLinked } from './linked-service.js';
import { eventually } from './store.js';
import { type WatchTools, watchToolsOf } from './watch-tools.js';
import { startWebhookRelay, type WebhookRelay } from './webhook-relay.js';

/** Somebody whose Google account is linked, and whose one calendar Google tells changes of. */
export type Watched = Person &
  Readonly<{
    email: string;
    connectionId: string;
    calendarId: string;
    /** Puts an event into the calendar at Google, which tells of it. */
    change: (title: string) => void;
    /** Waits until the event can be read; no reading is due by itself meanwhile. */
    sees: (title: string) => Promise<unknown>;
  }>;

/** The whole service, reached by Google through a relay that knows what came by. */
export type Pushed = GoogleLinked &
  WatchTools &
  Readonly<{
    relay: WebhookRelay;
    /** Links an account, and waits until its calendar is watched and quiet. */
    watched: (name: string) => Promise<Watched>;
    /** Times that a calendar's events were read, and that a channel on it was asked for. */
    asked: (email: string) => Readonly<{ events: number; watch: number }>;
    /** Sends a notification to the service as it came by, with changes. */
    replay: (headers: Readonly<Record<string, string>>, change?: Readonly<Record<string, string>>) => Promise<Response>;
  }>;

export const emailOf = (name: string): string => `${name}@people.example`;

export const startPushed = async (day: string, ...names: readonly string[]): Promise<Pushed> => {
  const relay = await startWebhookRelay();
  const zones = Object.fromEntries(names.map((name) => [emailOf(name), 'UTC']));
  const linked = await startGoogleLinked(zones, { PUBLIC_URL: relay.url }, { watchable: true }).catch(async (error: unknown) => {
    await relay.stop();
    throw error;
  });
  const { service, google } = linked;
  relay.leadTo(service.url);
  const tools = watchToolsOf(service);
  return {
    ...linked,
    ...tools,
    relay,
    watched: async (name) => {
      const [person, email] = [await personOf(service, name), emailOf(name)];
      const { connectionId, calendars }: ConnectionView = await linked.link(person, email);
      const calendarId = calendars[0]?.calendarId ?? '';
      await eventually('its channel has been heard of', async () => {
        const [channel, ...others] = await tools.channels({ calendarId });
        return channel?.state === 'live' && channel.is_heard && others.length === 0;
      });
      await tools.quiet({ calendarId });
      let changes = 0;
      return {
        ...{ ...person, email, connectionId, calendarId },
        change: (title) => {
          changes += 1;
          google.calendars.putEvent(email, googleHour(title, day, `${String(8 + (changes % 12)).padStart(2, '0')}:00`));
        },
        sees: (title) => eventually(`${title} is shown`, async () => (await person.shown()).some((shown) => shown.endsWith(` ${title}`))),
      };
    },
    asked: (email) => {
      const path = `/calendar/v3/calendars/${encodeURIComponent(email)}/events`;
      const count = (wanted: string): number => google.requests().filter((each) => each.path === wanted).length;
      return { events: count(path), watch: count(`${path}/watch`) };
    },
    replay: (headers, change = {}) => {
      const kept = Object.entries(headers).filter(([name]) => name.startsWith('x-goog-'));
      return fetch(`${service.url}/v1/webhooks/google`, { method: 'POST', headers: { ...Object.fromEntries(kept), ...change } });
    },
    stop: async () => {
      await linked.stop();
      await relay.stop();
    },
  };
};
