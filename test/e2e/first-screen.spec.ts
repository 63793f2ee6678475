import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
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

  it('connects the two accounts, once, and sees their week', async () => {
    expect(await npmRun('connect.mjs')).toContain('Connected mia@work.example: Team (shared by Ivy), Work');
    expect(await npmRun('connect.mjs')).toContain('mia@home.example is connected already.');
    const week = await npmRun('week.mjs');
    expect(week).toMatch(/^Your week, .*\(Europe\/Berlin\)$/m);
    expect(week).toMatch(/15:00 – 15:45 {2}Dentist +. Private$/m);
    expect(week).toMatch(/Sprint planning +. (Work +also in Team|Team \(shared by Ivy\) +also in Work)/);
    expect(week).toContain('All 5 calendars are fresh');
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
    const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
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
    const { body } = await me.request<{ items: { status: string }[] }>('GET', '/v1/calendar/connections');
    expect(body.items.map(({ status }) => status)).toEqual(['connected', 'connected', 'connected']);
  });
});
