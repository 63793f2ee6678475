import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { suiteResources } from '../support/opened.js';
import { type Client, type Service, startService } from '../support/service.js';

const run = promisify(execFile);
const script = (name: string): string => fileURLToPath(new URL(`../../scripts/${name}`, import.meta.url));

describe('What a stranger does first', () => {
  const opened = suiteResources();
  let service: Service;
  let me: Client;

  beforeAll(async () => {
    service = await opened(startService({ PROVIDERS: 'sandbox', CALDAV_ALLOW_PRIVATE: 'false', TZ: 'Europe/Berlin' }, { fresh: true }));
    me = await service.as('me');
  });

  /** Runs a script as `npm run` does, against this service. */
  const npmRun = async (name: string): Promise<string> => {
    const env = { ...process.env, API: service.url, DATA_DIR: service.dataDir, TZ: 'Europe/Berlin' };
    const { stdout } = await run(process.execPath, [script(name)], { env });
    return stdout;
  };

  it('is told to connect first', async () => {
    await expect(npmRun('week.mjs')).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('npm run connect') as unknown });
  });

  it('connects the three accounts, two of them at their vendors’ pages, once, and sees their week', async () => {
    const connected = await npmRun('connect.mjs');
    expect(connected).toContain('Connected mia@work.example (google): Holidays in Nowhere, ');
    expect(connected).toContain('Connected mia@school.example (microsoft): Calendar, Nowhere holidays');
    expect(await npmRun('connect.mjs')).toContain('mia@home.example is connected already.');
    const week = await npmRun('week.mjs');
    expect(week).toMatch(/^Your week, .*\(Europe\/Berlin\)$/m);
    expect(week).toMatch(/15:00 – 15:45 {2}Dentist +. Private$/m);
    expect(week).toMatch(/Sprint planning +. (Work +also in Team|Team \(shared by Ivy\) +also in Work)/);
    // Of a meeting that sits in a calendar of busy times too, the copy is shown that has its title.
    expect(week).not.toMatch(/\(no title\).*also in/);
    expect(week).toMatch(/Stand-up +. (Work|Team)/);
    expect(week).toContain('All 9 calendars are fresh');
  });

  it('sees a week by the clocks that the service knows, also where the runtime has older rules', async () => {
    // British Columbia has been on UTC-7 all year since November 2026; the rules that Node 20 brings say UTC-8.
    const at = (start: string, end: string, allDay = false) => ({
      start,
      end,
      allDay,
      title: 'Meeting',
      calendarId: 'a',
      copies: [],
      attendees: [],
    });
    const events = {
      items: [
        at('2026-12-03T16:00:00.000Z', '2026-12-03T17:00:00.000Z'),
        at('2026-12-04T06:30:00.000Z', '2026-12-04T07:30:00.000Z'),
        at('2026-12-05', '2026-12-06', true),
        { ...at('2026-12-06T18:00:00.000Z', '2026-12-06T19:00:00.000Z'), title: null, busy: 'busy' },
        { ...at('2026-12-06T20:00:00.000Z', '2026-12-06T21:00:00.000Z'), title: null, busy: 'free' },
      ],
      freshness: [],
    };
    const program = `
      import { comingWeek, weekTable } from ${JSON.stringify(pathToFileURL(script('week.table.mjs')).href)};
      const week = comingWeek(new Date('2026-12-03T07:30:00Z'), 'America/Vancouver');
      console.log(week.start.toISOString(), week.end.toISOString());
      console.log(weekTable(${JSON.stringify(events)}, [{ calendarId: 'a', name: 'Work', color: null }], week, false));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { env: { ...process.env, TZ: 'Asia/Tokyo' } });
    expect(stdout.split('\n').map((line) => line.trimEnd())).toEqual(
      expect.arrayContaining([
        '2026-12-03T07:00:00.000Z 2026-12-10T07:00:00.000Z',
        'Your week, Thu 03 Dec to Wed 09 Dec (America/Vancouver)',
        expect.stringMatching(/^ {2}Thu 03 Dec {2}09:00 – 10:00 /),
        expect.stringMatching(/^ {14}23:30 – 00:30 /),
        '  Fri 04 Dec',
        expect.stringMatching(/^ {2}Sat 05 Dec {2}all day /),
        // Of a calendar that is shared as free and busy times only, nothing but that is known.
        expect.stringMatching(/^ {2}Sun 06 Dec {2}11:00 – 12:00 {2}busy /),
        expect.stringMatching(/^ {14}13:00 – 14:00 {2}\(no title\) /),
      ]),
    );
  });

  it('copies the lines that the service printed, and they work', async () => {
    const printed = service.output();
    const lines = printed.slice(printed.indexOf('The same by hand'), printed.indexOf('{"level"', printed.indexOf('The same by hand')));
    const commands = lines.slice(lines.indexOf('TOKEN='));
    const { stdout } = await run('bash', ['-c', commands.replace('mia@home.example', 'noah@work.example')]);
    expect(stdout).toContain('"account":"noah@work.example"');
    expect(stdout).toContain('"title":"Dentist"');
  });

  it('is told which setting to change when the port is taken, before anything else is started', async () => {
    const program = fileURLToPath(new URL('../../dist/programs/main.js', import.meta.url));
    const dataDir = `${service.dataDir}/second`;
    const env = { ...process.env, DATA_DIR: dataDir, PORT: new URL(service.url).port };
    const stderr = expect.stringMatching(
      /^The service cannot start: 1 setting is wrong\.\n {2}PORT \d+ is taken by another program: set PORT/,
    ) as unknown;
    await expect(run(process.execPath, [program], { env })).rejects.toMatchObject({ code: 1, stderr });
    expect(existsSync(dataDir)).toBe(false);
  });

  it('finds everything connected after a restart, and the sandbox where it was', async () => {
    await service.halt();
    await service.restart();
    expect(await me.sync({ full: true })).toMatchObject({ state: 'done' });
    const { body } = await me.request<{ items: { provider: string; status: string }[] }>('GET', '/v1/calendar/connections');
    const found = body.items.map(({ provider, status }) => `${provider} ${status}`);
    expect(found.sort()).toEqual(['caldav connected', 'caldav connected', 'google connected', 'microsoft connected']);
  });
});
