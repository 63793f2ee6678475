import { isNewerVersion, type ZoneRulesChanged } from './zone-change.js';
import { ZONE_RULES_VERSION } from '../time/zone-rules.js';
import { type Position } from '../kernel/event-store.js';
import { OlderProgram } from '../kernel/projection.js';
import { type Sql } from '../kernel/sql.js';
import { recordCalendarChanges } from './changes/changes.rows.js';
import { placeLater } from './placement.rows.js';

/** Occurrences were placed by newer zone rules than this program has: only a newer program can go on without placing them wrong again. */
export class NewerZoneRules extends OlderProgram {
  override readonly name = 'NewerZoneRules';
  constructor(version: string) {
    super(`occurrences are placed by zone rules ${version}, and this program has ${ZONE_RULES_VERSION}`);
  }
}

const placedBy = async (sql: Sql): Promise<string | null> =>
  (await sql.query<{ version: string }>('select version from event_zone_rules'))[0]?.version ?? null;

const admit = (version: string): void => {
  if (isNewerVersion(version, ZONE_RULES_VERSION)) throw new NewerZoneRules(version);
};

/**
 * Takes note of the rules by which the first occurrences are placed, and refuses to place any by older rules than those before: throws
 * `NewerZoneRules`. The row is missing where nothing is placed yet: a replay places by this program's rules from the beginning.
 */
export const admitZoneRules = async (sql: Sql): Promise<void> => {
  const version = await placedBy(sql);
  if (version === null) await sql.query('insert into event_zone_rules (version) values ($1) on conflict do nothing', [ZONE_RULES_VERSION]);
  else admit(version);
};

/** Calendars looked at per statement, each with all of its objects. */
const PAGE = 20;

type Concerned = Readonly<{ calendar_id: string; user_id: string; told: boolean; concerned: boolean }>;

/** `$2`: pattern of the objects that name a changed zone; `$3`: changed zones in lower case, for what takes the calendar's or its owner's. */
const CALENDARS = `
  select k.calendar_id, k.user_id, k.whole and k.visible as told, exists (
      select 1 from event_contents c where c.calendar_id = k.calendar_id and c.timings::text ~* $2
    ) or ($3::text[] is null or lower(coalesce(k.time_zone, (select p.time_zone from event_people p where p.user_id = k.user_id), 'UTC')) = any($3))
      and exists (select 1 from event_contents c where c.calendar_id = k.calendar_id and c.unplaced) as concerned
  from event_calendars k where k.window_start is not null and k.calendar_id > $1 order by k.calendar_id limit ${PAGE}`;

const NO_CALENDAR = '00000000-0000-0000-0000-000000000000';

/** Matches the stored timings that name one of the zones; everything when it is not known which zones changed. */
const patternOf = (zones: ZoneRulesChanged['changed']): string =>
  zones === null ? '' : `"zone" ?: ?"(${zones.map((zone) => zone.replaceAll('+', '\\+')).join('|')})"`;

const eachConcerned = async (sql: Sql, zones: ZoneRulesChanged['changed'], work: (calendar: Concerned) => Promise<void>): Promise<void> => {
  const lower = zones?.map((zone) => zone.toLowerCase()) ?? null;
  const after = (last: string): Promise<readonly Concerned[]> => sql.query<Concerned>(CALENDARS, [last, patternOf(zones), lower]);
  for (let page = await after(NO_CALENDAR); page.length > 0; page = await after(page.at(-1)?.calendar_id ?? ''))
    for (const calendar of page) if (calendar.concerned) await work(calendar);
};

/** A calendar that waits already, because of an earlier version, is searched for the zones of both. */
const placeCalendar = async (sql: Sql, { calendar_id: calendarId, user_id: userId }: Concerned, { changed, at }: ZoneRulesChanged) => {
  await placeLater(sql, { userId, at }, { reason: 'zone-rules', calendarId });
  await sql.query(`update placement set zones = coalesce(zones || '|', '') || $2 where name = $1`, [
    `zone-rules ${calendarId}`,
    patternOf(changed),
  ]);
};

/**
 * Leaves a due row for every calendar with something in a zone whose rules differ; a worker places it again and tells what moved. What this
 * program placed itself, as in a replay, is right already: what moved is not known then, and the calendar is told as changed. Throws
 * `NewerZoneRules` where the program's own are older.
 */
export const placeByNewRules = async (sql: Sql, event: ZoneRulesChanged, position: Position): Promise<void> => {
  const { version, changed, at } = event;
  admit(version);
  if (isNewerVersion(version, (await placedBy(sql)) ?? ZONE_RULES_VERSION)) {
    await sql.query('update event_zone_rules set version = $1', [version]);
    return eachConcerned(sql, changed, (calendar) => placeCalendar(sql, calendar, event));
  }
  return eachConcerned(sql, changed, async ({ calendar_id, user_id: userId, told }) => {
    if (told) await recordCalendarChanges(sql, { userId, position, at }, 'calendar-changed', [calendar_id]);
  });
};
