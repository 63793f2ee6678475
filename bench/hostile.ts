import { type CalendarView } from '../src/calendar/calendar.contract.js';
import { type Client, type Service, startService } from '../test/support/service.js';
import { type HostilePerson, startHostilePerson, type Tally } from './hostile.person.js';
import { type Amounts, type Span, startOtherPerson } from './other.person.js';

type Check = Readonly<{ name: string; ok: boolean; detail?: string }>;

/** `state` of the other person's calendars; `hostile`: what the service has of the hostile person. */
export type Beside = Readonly<{
  calendars: number;
  alone: Span;
  beside: Span;
  tally: Tally;
  asked: number;
  hostile: Readonly<{ calendars: number; read: number; occurrences: number }>;
  checks: readonly Check[];
  states: readonly string[];
}>;

// Of `startService`, whose own settings are for tests: limits are those of `npm start`, but a person may sync as often as they like.
const SETTINGS = { LOG_LEVEL: 'error', RATE_LIMIT: '', RATE_LIMIT_ANONYMOUS: '', FULL_SYNC_SECONDS: '', MANUAL_SYNC_SECONDS: '0' } as const;

const HOSTILE = 'hostile';

const checksOf = async ({ url }: Service): Promise<readonly Check[]> =>
  ((await (await fetch(`${url}/health/ready`)).json()) as { checks: readonly Check[] }).checks;

const statesOf = async (client: Client): Promise<readonly string[]> => {
  const { status, body } = await client.request<Readonly<{ items: readonly CalendarView[] }>>('GET', '/v1/calendar/calendars');
  if (status !== 200) throw new Error(`GET /v1/calendar/calendars answered ${status}.`);
  return body.items.map(({ sync }) => sync?.state ?? 'not synced');
};

const heldOf = async ({ rows }: Service): Promise<Beside['hostile']> => {
  const [synced] = await rows<{ calendars: number; read: number }>(
    'select count(*)::int as calendars, count(last_success_at)::int as read from sync_state where user_id = $1',
    [HOSTILE],
  );
  const [shown] = await rows<{ occurrences: number }>('select count(*)::int as occurrences from user_calendar_events where user_id = $1', [
    HOSTILE,
  ]);
  return { calendars: synced?.calendars ?? 0, read: synced?.read ?? 0, occurrences: shown?.occurrences ?? 0 };
};

/** One person in a service alone, then the same beside a hostile one, who connects when the second measurement begins. */
export const measureHostile = async (amounts: Amounts, calendars: number, say: (line: string) => void): Promise<Beside> => {
  const service = await startService(SETTINGS);
  const client = await service.as('other');
  const other = await startOtherPerson(client);
  let hostile: HostilePerson | null = null;
  try {
    say('One person alone …');
    const alone = await other.measure(amounts);
    say('The same beside a hostile person …');
    hostile = await startHostilePerson(await service.as(HOSTILE), calendars);
    const beside = await other.measure(amounts);
    // Asked while the hostile person goes on.
    const [held, checks, states] = [await heldOf(service), await checksOf(service), await statesOf(client)];
    const { tally, requests, stop } = hostile;
    hostile = null;
    await stop();
    return { calendars, alone, beside, tally, asked: requests(), hostile: held, checks, states };
  } finally {
    await hostile?.stop().catch(() => undefined);
    await other.stop();
    await service.stop();
  }
};
