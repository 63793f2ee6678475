import { type CalendarView } from '../../src/calendar/calendar.contract.js';
import { type ConnectionView } from '../../src/connection/connection.contract.js';
import { googleHour, type GoogleLinked, type Person, personOf, startGoogleLinked } from './linked-service.js';
import { type Client } from './service.js';
import { eventually } from './store.js';
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

/** A channel as the service has it. */
export type ChannelRow = Readonly<{ channel_id: string; state: string; seen: string; is_heard: boolean; renewed_at_share: number }>;

/** The whole service, reached by Google through a relay that knows what came by. */
export type Pushed = GoogleLinked &
  Readonly<{
    relay: WebhookRelay;
    /** Links an account, and waits until its calendar is watched and quiet. */
    watched: (name: string) => Promise<Watched>;
    /** Waits until nothing of a calendar is being read, nor due within two minutes. */
    quiet: (watched: Watched) => Promise<unknown>;
    /** Looks after a calendar's channels now, as if their time had come. */
    tend: (watched: Watched) => Promise<void>;
    channels: (watched: Watched) => Promise<readonly ChannelRow[]>;
    /** How changes of a calendar become known, as its owner is told. */
    mode: (person: Client, calendarId: string) => Promise<Readonly<{ mode: string; code: string | null; reason: string | null }>>;
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
  const { rows } = service;
  const quiet = ({ calendarId }: Pick<Watched, 'calendarId'>): Promise<unknown> =>
    eventually('the calendar is quiet', async () => {
      const found = await rows(
        `select 1 from sync_state where calendar_id = $1 and due_at > now() + interval '2 minutes' and claimed_until is null and not wake`,
        [calendarId],
      );
      return found.length > 0;
    });
  const channels = ({ calendarId }: Pick<Watched, 'calendarId'>): Promise<readonly ChannelRow[]> =>
    rows<ChannelRow>(
      `select channel_id, state, seen, heard_at is not null as is_heard,
         (extract(epoch from renew_at - opened_at) / extract(epoch from expires_at - opened_at))::float as renewed_at_share
       from watch_channel where calendar_id = $1 order by opened_at`,
      [calendarId],
    );
  return {
    ...linked,
    ...{ relay, quiet, channels },
    watched: async (name) => {
      const [person, email] = [await personOf(service, name), emailOf(name)];
      const { connectionId, calendars }: ConnectionView = await linked.link(person, email);
      const calendarId = calendars[0]?.calendarId ?? '';
      await eventually('its channel has been heard of', async () => {
        const [channel, ...others] = await channels({ calendarId });
        return channel?.state === 'live' && channel.is_heard && others.length === 0;
      });
      await quiet({ calendarId });
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
    tend: async ({ calendarId }) => {
      await rows('update watch_state set due_at = now() where calendar_id = $1', [calendarId]);
      await rows('notify watch_state');
      await eventually('its channels are looked after', async () => {
        const waiting = await rows('select 1 from watch_state where calendar_id = $1 and (due_at <= now() or claimed_until is not null)', [
          calendarId,
        ]);
        return waiting.length === 0;
      });
    },
    mode: async (person, calendarId) => {
      const { body } = await person.request<Readonly<{ items: readonly CalendarView[] }>>('GET', '/v1/calendar/calendars');
      const watch = body.items.find((calendar) => calendar.calendarId === calendarId)?.watch ?? null;
      if (watch === null) throw new Error('the calendar is not watched');
      return watch;
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
