import { type CalendarView } from '../../src/calendar/calendar.contract.js';
import { type Client, type Service } from './service.js';
import { eventually } from './store.js';

/** A channel as the service has it. */
export type ChannelRow = Readonly<{
  channel_id: string;
  remote: string | null;
  state: string;
  seen: string;
  is_heard: boolean;
  renewed_at_share: number;
}>;

type Of = Readonly<{ calendarId: string }>;

/** What tests of watched calendars look at and move, at any kind of calendar service. */
export type WatchTools = Readonly<{
  /** Waits until nothing of a calendar is being read, nor due within two minutes. */
  quiet: (of: Of) => Promise<unknown>;
  /** Looks after a calendar's channels now, as if their time had come. */
  tend: (of: Of) => Promise<void>;
  channels: (of: Of) => Promise<readonly ChannelRow[]>;
  /** How changes of a calendar become known, as its owner is told. */
  mode: (person: Client, calendarId: string) => Promise<Readonly<{ mode: string; code: string | null; reason: string | null }>>;
}>;

export const watchToolsOf = ({ rows }: Pick<Service, 'rows'>): WatchTools => ({
  quiet: ({ calendarId }) =>
    eventually('the calendar is quiet', async () => {
      const found = await rows(
        `select 1 from sync_state where calendar_id = $1 and due_at > now() + interval '2 minutes' and claimed_until is null and not wake`,
        [calendarId],
      );
      return found.length > 0;
    }),
  channels: ({ calendarId }) =>
    rows<ChannelRow>(
      `select channel_id, remote, state, seen, heard_at is not null as is_heard,
         (extract(epoch from renew_at - opened_at) / extract(epoch from expires_at - opened_at))::float as renewed_at_share
       from watch_channel where calendar_id = $1 order by opened_at`,
      [calendarId],
    ),
  tend: async ({ calendarId }) => {
    await rows('update watch_state set due_at = now(), wake = true where calendar_id = $1', [calendarId]);
    await rows('notify watch_state');
    await eventually('its channels are looked after', async () => {
      const waiting = await rows(
        'select 1 from watch_state where calendar_id = $1 and (due_at <= now() or claimed_until is not null or wake)',
        [calendarId],
      );
      return waiting.length === 0;
    });
  },
  mode: async (person, calendarId) => {
    const { body } = await person.request<Readonly<{ items: readonly CalendarView[] }>>('GET', '/v1/calendar/calendars');
    const watch = body.items.find((calendar) => calendar.calendarId === calendarId)?.watch ?? null;
    if (watch === null) throw new Error('the calendar is not watched');
    return watch;
  },
});
