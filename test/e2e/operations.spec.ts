import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { dayFromNow as day, lunchSoon } from '../support/events.js';
import { suiteResources } from '../support/opened.js';
import { watchedExpressions } from '../support/docker-files.js';
import { metricsIn } from '../support/promql.js';
import { type Radicale, startRadicale } from '../support/radicale.js';
import { type Client, type Service, startService } from '../support/service.js';
import { eventually } from '../support/store.js';

const TRACING = fileURLToPath(new URL('../support/tracing.mjs', import.meta.url));
const GRACE = 'Lunch with Grace Hopper';

type Span = Readonly<{
  name: string;
  traceId: string;
  spanId: string;
  parent: string | null;
  attributes: Readonly<Record<string, string | number>>;
}>;

describe('Operators', () => {
  const opened = suiteResources();
  let folder: string;
  let radicale: Radicale;
  let service: Service;
  let ada: Client;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'juy-spans-'));
    radicale = await opened(startRadicale());
    service = await opened(startService({ NODE_OPTIONS: `--import ${TRACING}`, SPANS_FILE: join(folder, 'spans') }));
    ada = await service.as('ada.lovelace');
    const calendar = await radicale.makeCalendar('work');
    await radicale.put(calendar, 'lunch.ics', lunchSoon('lunch', GRACE));
    await radicale.put(calendar, 'broken.ics', lunchSoon('broken', 'Broken').replace(/T120000Z/, 'T120000Z;nonsense'));
    await ada.connect(radicale);
    await ada.settled();
    await ada.events(`${day(0)}/${day(7)}`);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const metrics = async (): Promise<string> => (await fetch(`${service.url}/metrics`)).text();
  const value = (page: string, line: RegExp): number => Number(new RegExp(`^${line.source} (\\S+)$`, 'm').exec(page)?.[1]);

  it('are shown and woken by metrics that there are', async () => {
    const page = await metrics();
    const there = new Set([...page.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    // What Prometheus itself knows of what it scrapes.
    there.add('up');
    // Of a service that publishes, which this one does not: topics looks there.
    const isElsewhere = (name: string): boolean => name.startsWith('relay_');
    const missing = watchedExpressions().flatMap(([what, expression]) =>
      metricsIn(expression).flatMap((name) => (there.has(name) || isElsewhere(name) ? [] : [`${what}: ${name}`])),
    );
    expect(missing).toEqual([]);
  });

  it('read from one page what the API, the projector thread and the sync thread do', async () => {
    const atLeastOnce = [
      /http_request_duration_seconds_count\{method="POST",route="\/v1\/calendar\/connections",status="201"\}/,
      /command_duration_seconds_count\{command="ConnectCalendar",outcome="ok"\}/,
      /query_duration_seconds_count\{query="MergedEvents",outcome="ok"\}/,
      /event_store_duration_seconds_count\{operation="append",outcome="ok"\}/,
      /events_appended_total\{type="DeltaSynced"\}/,
      /provider_duration_seconds_count\{provider="caldav",operation="scan",outcome="ok"\}/,
      /provider_duration_seconds_count\{provider="caldav",operation="discover",outcome="ok"\}/,
      /sync_objects_total\{provider="caldav",kind="object",code=""\}/,
      /due_work_lag_seconds_count\{queue="sync_state",lane="hot"\}/,
      /due_work_duration_seconds_count\{queue="sync_state",lane="hot",outcome="ok"\}/,
      /projection_events_total\{projection="user_calendar_events"\}/,
      /projection_batch_duration_seconds_count\{projection="connections",outcome="ok"\}/,
      /calendars\{fault=""\}/,
      /database_connections\{thread="sync",state="idle"\}/,
      /database_connections\{thread="projector",state="idle"\}/,
      /database_connections\{thread="main",state="idle"\}/,
      /event_loop_delay_seconds\{thread="sync",quantile="0.99"\}/,
      /event_loop_delay_seconds\{thread="projector",quantile="0.99"\}/,
      /process_start_time_seconds/,
      /projection_live\{projection="user_calendar_events"\}/,
      /zone_rules_info\{version="20\d\d[a-z]+"\}/,
      /zone_rules_age_seconds/,
    ];
    const none = [
      /queue_due\{queue="sync_state"\}/,
      /projection_lag_seconds\{projection="connections"\}/,
      /projection_lag_positions\{projection="user_calendar_events"\}/,
    ];
    const wrong = (page: string) => [
      ...atLeastOnce.filter((line) => !(value(page, line) > 0)).map(({ source }) => source),
      ...none.filter((line) => value(page, line) !== 0).map(({ source }) => source),
    ];
    let page = '';
    const isRight = async () => wrong((page = await metrics())).length === 0;
    await eventually('all is counted and nothing left to do', isRight).catch(() => undefined);
    expect(wrong(page)).toEqual([]);
    for (const personal of ['ada.lovelace', GRACE, radicale.password, '127.0.0.1']) expect(page).not.toContain(personal);
  });

  it('see which zone rules are in force, and stay ready when these are old', async () => {
    const { checks } = (await (await fetch(`${service.url}/health/ready`)).json()) as { checks: Record<string, unknown>[] };
    expect(checks.find(({ name }) => name === 'zone rules')).toMatchObject({
      ok: true,
      detail: expect.stringMatching(/^20\d\d[a-z]+, released 20\d\d-\d\d-\d\d/),
    });
  });

  it('see the checks of every thread in one answer', async () => {
    const { checks } = (await (await fetch(`${service.url}/health/ready`)).json()) as { checks: { name: string; ok: boolean }[] };
    const names = ['database', 'event store', 'projector', 'sync', 'projection schedule', 'projection user_calendar_events'];
    expect(checks.filter(({ ok }) => ok).map(({ name }) => name)).toEqual(expect.arrayContaining(names));
  });

  it('follow a request from the answer to the log by one id, and a sync from its work to the calendar service', async () => {
    const { headers } = await ada.request('POST', '/v1/calendar/sync', {});
    const id = headers.get('x-correlation-id') ?? '';
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    const { body } = await ada.request<{ items: { connectionId: string }[] }>('GET', '/v1/calendar/connections');
    const revoked = await ada.request('DELETE', `/v1/calendar/connections/${body.items[0]?.connectionId ?? ''}`);
    const correlationId = revoked.headers.get('x-correlation-id') ?? '';
    const spans = async (): Promise<readonly Span[]> =>
      (await readFile(join(folder, 'spans'), 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Span);
    const ofRequest = await eventually('the spans are written', async () => {
      const own = (await spans()).filter(({ traceId }) => traceId === correlationId.replaceAll('-', ''));
      return own.some(({ name }) => name.startsWith('DELETE')) ? own : null;
    });
    const append = ofRequest.find(({ name }) => name === 'event store append');
    const command = ofRequest.find(({ name }) => name === 'command Revoke');
    const request = ofRequest.find(({ name }) => name === 'DELETE /v1/calendar/connections/:id');
    expect([append?.parent, command?.parent, append?.attributes['correlation.id']]).toEqual([
      command?.spanId,
      request?.spanId,
      correlationId,
    ]);
    const all = await spans();
    const scan = all.find(({ name }) => name === 'provider scan');
    const work = all.find(({ name, spanId }) => name === 'work sync_state' && spanId === scan?.parent);
    expect(work?.traceId).toBe(scan?.traceId);
    expect(all.map(({ name }) => name)).toContain('project user_calendar_events');
    const text = JSON.stringify(all);
    for (const personal of ['ada.lovelace', GRACE, radicale.password, '127.0.0.1']) expect(text).not.toContain(personal);
  });
});
