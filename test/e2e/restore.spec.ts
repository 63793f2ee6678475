import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { startPostgres } from '../../src/embedded/postgres.process.js';
import { dayFromNow as day, lunchSoon } from '../support/events.js';
import { suiteResources } from '../support/opened.js';
import { runProgram } from '../support/program.js';
import { type Radicale, startRadicale } from '../support/radicale.js';
import { type Client, type Service, startService } from '../support/service.js';
import { eventually } from '../support/store.js';

const program = (name: string): string => fileURLToPath(new URL(`../../dist/programs/${name}.js`, import.meta.url));

/** Runs a tool of an operator. */
const run = (args: readonly string[], dataDir: string) => runProgram(args, { DATA_DIR: dataDir });

/** The log's own database of a service that is stopped. */
const inLog = async <T>(dataDir: string, work: (log: pg.Client) => Promise<T>): Promise<T> => {
  const postgres = await startPostgres({ dataDir, databases: ['eventstore'], log: () => undefined });
  const log = new pg.Client({ connectionString: postgres.url('eventstore') });
  await log.connect();
  try {
    return await work(log);
  } finally {
    await log.end();
    await postgres.stop();
  }
};

const week = `${day(0)}/${day(8)}`;

describe('What a service keeps', () => {
  const opened = suiteResources();
  let folder: string;
  let radicale: Radicale;
  let calendar: string;
  let service: Service;
  let ada: Client;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'juy-backup-'));
    radicale = await opened(startRadicale());
    service = await opened(startService());
    ada = await service.as('ada');
    calendar = await radicale.makeCalendar('work');
    for (let index = 0; index < 20; index += 1) await radicale.put(calendar, `${index}.ics`, lunchSoon(String(index), `meeting ${index}`));
    await ada.connect(radicale);
    await ada.settled();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const titles = async (client: Client): Promise<readonly (string | null)[]> =>
    (await client.events(week)).map(({ title }) => title).sort();

  it('is backed up whole while it works, and goes on in an empty folder as if nothing had happened', async () => {
    const backup = join(folder, 'backup');
    const done = new AbortController();
    const work = (async () => {
      for (let turn = 0; !done.signal.aborted; turn += 1) {
        await radicale.put(calendar, '0.ics', lunchSoon('0', `meeting 0, moved ${turn} times`));
        await ada.sync();
      }
    })();
    const made = await run([program('backup.tool'), 'backup', backup], service.dataDir);
    done.abort();
    await work;
    expect(made).toEqual({ code: 0, printed: expect.stringContaining('with the master key') });
    expect((await stat(backup)).mode & 0o077).toBe(0);
    expect(await readdir(folder)).toEqual(['backup']);
    expect((await run([program('backup.tool'), 'backup', backup], service.dataDir)).printed).toContain('is not empty');

    const restored = join(folder, 'restored');
    expect(await run([program('backup.tool'), 'restore', backup], restored)).toEqual({
      code: 0,
      printed: expect.stringContaining('Start the service'),
    });
    expect((await run([program('backup.tool'), 'restore', backup], restored)).printed).toContain('holds data already');
    const again = await startService({ DATA_DIR: restored });
    try {
      const same = await again.as('ada');
      expect((await titles(same)).slice(1)).toEqual((await titles(ada)).slice(1));
      expect(await same.sync()).toMatchObject({ state: 'done' });
      expect(await titles(same)).toEqual(await titles(ada));
    } finally {
      await again.stop();
    }
  });

  it('is not started on a log older than its read models, until that log is accepted as the truth and all is built from it again', async () => {
    const carol = await service.as('carol');
    const revoked = await carol.connect(radicale);
    await carol.settled();
    const cursor = async (): Promise<string> => (await ada.request<{ nextCursor: string }>('GET', '/v1/calendar/changes')).body.nextCursor;
    const [cursorBefore, titlesBefore] = [await cursor(), await titles(ada)];
    const [reached] = await service.rows<{ end: string }>('select max(applied) as end from checkpoint');
    await radicale.put(calendar, '0.ics', lunchSoon('0', 'after the back-up'));
    expect(await ada.sync()).toMatchObject({ state: 'done' });
    await (await service.as('bob')).connect(radicale);
    await carol.request('DELETE', `/v1/calendar/connections/${revoked.connectionId}`);
    await eventually(
      'the keys are destroyed',
      async () => (await service.rows('select 1 from vault where connection_id = $1', [revoked.connectionId])).length === 0,
    );
    await service.halt();
    await inLog(service.dataDir, (log) => log.query('delete from event where position > $1', [reached?.end]));

    await expect(service.restart()).rejects.toThrow(/npm run log:accept/);
    const accepted = await run([program('log.tool')], service.dataDir);
    expect(accepted.printed).toMatch(/make again: 1\.\n.*revoked in it now: 1\./);
    expect(accepted.code).toBe(0);

    await service.restart();
    const now = titlesBefore.map((title) => (title?.startsWith('meeting 0') === true ? 'after the back-up' : title)).sort();
    await eventually('the calendar has been read again', async () => (await titles(ada)).includes('after the back-up'));
    expect(await titles(ada)).toEqual(now);
    expect(await ada.request('GET', `/v1/calendar/changes?after=${cursorBefore}`)).toMatchObject({
      status: 410,
      body: { code: 'changes.cursor-expired' },
    });
    expect((await ada.request('GET', `/v1/calendar/changes?after=${await cursor()}`)).status).toBe(200);
    const connections = () => service.rows<{ user_id: string; status: string }>('select user_id, status from connections order by user_id');
    await eventually('the revocation is carried out', async () => (await connections()).some(({ status }) => status === 'revoked'));
    expect(await connections()).toEqual([
      { user_id: 'ada', status: 'connected' },
      { user_id: 'carol', status: 'revoked' },
    ]);
    expect(await service.rows('select distinct user_id from vault where connection_id is not null')).toEqual([{ user_id: 'ada' }]);
    expect((await (await service.as('bob')).request('GET', '/v1/calendar/connections')).body).toMatchObject({ items: [] });
    expect(await titles(carol)).toEqual([]);
  }, 300_000);
});
