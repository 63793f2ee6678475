import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type ChangePage, type ChangeView } from '../../src/merged-events/changes/changes.contract.js';
import { type EventView } from '../../src/merged-events/events.contract.js';
import { dayFromNow, icsOfEvent } from '../support/events.js';
import { suiteResources } from '../support/opened.js';
import { type Radicale, startRadicale } from '../support/radicale.js';
import { type Client, type Service, startService } from '../support/service.js';
import { eventually } from '../support/store.js';
import { WHOLE_WINDOW } from '../support/whole-window.js';

const OLDER = fileURLToPath(new URL('../support/older-zone-rules.mjs', import.meta.url));

/** Every week at nine for most of a year, so that summer and winter come, whenever this runs. */
const weekly = (uid: string, zone: string): string =>
  icsOfEvent(uid, [
    `DTSTART;TZID=${zone}:${dayFromNow(2).replaceAll('-', '')}T090000`,
    'DURATION:PT1H',
    'RRULE:FREQ=WEEKLY;COUNT=50',
    `SUMMARY:${uid}`,
  ]);

const startsOf = (events: readonly EventView[], title: string): readonly string[] =>
  events.filter((event) => event.title === title).map(({ start }) => start);

describe('sync-rule 38: a service that is updated to a program with newer zone rules', () => {
  const opened = suiteResources();
  const settings = { NODE_OPTIONS: `--import ${OLDER}` };
  let radicale: Radicale;
  let service: Service;
  let ada: Client;
  let before: readonly EventView[];
  let after: readonly EventView[];
  let told: readonly ChangeView[];
  let older: Readonly<{ version: string; days: number; detail: string | undefined }>;

  const rules = async (): Promise<string | undefined> => {
    const { checks } = (await (await fetch(`${service.url}/health/ready`)).json()) as { checks: { name: string; detail?: string }[] };
    return checks.find(({ name }) => name === 'zone rules')?.detail;
  };
  /** Versions of zone rules in the metrics, and how many days ago the newest was released. */
  const measured = async (): Promise<Readonly<{ version: string; days: number }>> => {
    const text = await (await fetch(`${service.url}/metrics`)).text();
    const seconds = Number(/^zone_rules_age_seconds(?:{[^}]*})? (\S+)$/m.exec(text)?.[1]);
    return { version: /^zone_rules_info{[^}]*version="([^"]*)"/m.exec(text)?.[1] ?? '', days: seconds / 86_400 };
  };
  const changes = async (after: string): Promise<ChangePage> =>
    (await ada.request<ChangePage>('GET', `/v1/calendar/changes?limit=500${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`))
      .body;

  beforeAll(async () => {
    radicale = await opened(startRadicale());
    service = await opened(startService(settings));
    ada = await service.as('ada');
    const calendar = await radicale.makeCalendar('work');
    for (const zone of ['America/Vancouver', 'America/Los_Angeles', 'Europe/Paris'])
      await radicale.put(calendar, `${zone.replace('/', '-')}.ics`, weekly(zone, zone));
    await ada.connect(radicale);
    await ada.settled();
    before = await ada.events(WHOLE_WINDOW);
    const { nextCursor } = await changes('');
    expect(await rules()).toContain('2025c');
    older = { ...(await measured()), detail: await rules() };
    await service.halt();
    settings.NODE_OPTIONS = '';
    await service.restart();
    ada = await service.as('ada');
    await eventually('everything is placed', async () => {
      const [fact] = await service.rows(`select 1 from event_zone_rules where version > '2025c'`);
      return fact !== undefined && (await service.rows('select 1 from placement')).length === 0;
    });
    after = await ada.events(WHOLE_WINDOW);
    told = (await changes(nextCursor)).items;
  });

  it('names its rules in health and metrics, and warned of the old ones', async () => {
    expect(older).toMatchObject({ version: '2025c', detail: expect.stringMatching(/2025c.*run a newer program/) });
    const newer = { ...(await measured()), detail: await rules() };
    expect(newer.version > older.version && newer.days < older.days).toBe(true);
    expect(newer.detail).toContain(newer.version);
  });

  it('was as wrong before as its rules were', () => {
    expect(startsOf(before, 'America/Vancouver')).toEqual(startsOf(before, 'America/Los_Angeles'));
    expect(startsOf(before, 'America/Vancouver')).toHaveLength(50);
  });

  it('shows what takes place in the changed zone where it takes place now', () => {
    const local = startsOf(after, 'America/Vancouver').map((start) =>
      new Date(Date.parse(start) - 7 * 3_600_000).toISOString().slice(11, 16),
    );
    expect(new Set(local)).toEqual(new Set(['09:00']));
    expect(local).toHaveLength(50);
    for (const title of ['America/Los_Angeles', 'Europe/Paris']) expect(startsOf(after, title)).toEqual(startsOf(before, title));
  });

  it('tells exactly what moved', () => {
    const [was, is] = [before, after].map((events) => new Set(startsOf(events, 'America/Vancouver')));
    const gone = [...(was ?? [])].filter((start) => is?.has(start) === false);
    const come = [...(is ?? [])].filter((start) => was?.has(start) === false);
    expect(gone.length).toBeGreaterThan(10);
    expect(gone.length).toBeLessThan(50);
    expect(told.map(({ change, event }) => `${change} ${event?.start ?? ''}`).sort()).toEqual(
      [...gone.map((start) => `removed ${start}`), ...come.map((start) => `added ${start}`)].sort(),
    );
    const known = new Set(before.map(({ id }) => id));
    for (const { change, event } of told) expect([change, known.has(event?.id ?? '')]).toEqual([change, change === 'removed']);
  });
});
