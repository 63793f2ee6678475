import { isDeepStrictEqual } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type ConnectionView } from '../../src/connection/connection.contract.js';
import { dayFromNow } from '../support/events.js';
import { personOf } from '../support/linked-service.js';
import { suiteResources } from '../support/opened.js';
import { emailOf, type Pushed, startPushed, type Watched } from '../support/pushed-service.js';
import { eventually } from '../support/store.js';

const NAMES = [
  'told',
  'opened',
  'restarted',
  'moved',
  'killed',
  'renewed',
  'lost',
  'silent',
  'revoked',
  'holiday',
  'attacked',
  'away',
] as const;

const PUSHED = { mode: 'pushed', code: null, reason: null };

describe('What Google tells of, through the whole service,', () => {
  const opened = suiteResources();
  let pushed: Pushed;

  beforeAll(async () => {
    pushed = await opened(startPushed(dayFromNow(2), ...NAMES));
  });

  const modeOf = (watched: Watched) => pushed.mode(watched, watched.calendarId);
  const metric = async (outcome: string): Promise<number> => {
    const text = await (await fetch(`${pushed.service.url}/metrics`)).text();
    return Number(new RegExp(`^webhook_notifications_total\\{provider="google",outcome="${outcome}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  };
  const lastOf = ({ email }: Watched): Readonly<Record<string, string>> => {
    const mine = pushed.relay.passed.filter(({ headers }) => headers['x-goog-channel-id'] === channelOf(email));
    const last = mine.at(-1);
    if (last === undefined) throw new Error('nothing came by');
    return last.headers;
  };
  const channelOf = (email: string): string => pushed.google.channels().find(({ account }) => account === email)?.id ?? '';
  const channelsAt = (email: string): readonly string[] =>
    pushed.google
      .channels()
      .filter(({ account }) => account === email)
      .map(({ id }) => id);

  it('is read when it is told, long before its calendar would be read by itself', async () => {
    const told = await pushed.watched('told');
    expect(await modeOf(told)).toEqual(PUSHED);
    told.change('moved meeting');
    await told.sees('moved meeting');
    await pushed.quiet(told);
    // Then again, after nothing but what it told.
    told.change('second meeting');
    await told.sees('second meeting');
  });

  it('sync-rule 11: is not read because a channel is there, which is no change', async () => {
    const told = await pushed.watched('opened');
    const before = pushed.asked(told.email).events;
    const opening = lastOf(told);
    expect(opening['x-goog-resource-state']).toBe('sync');
    expect((await pushed.replay(opening, { 'x-goog-message-number': '100000' })).status).toBe(204);
    await pushed.quiet(told);
    expect(pushed.asked(told.email).events).toBe(before);
  });

  it('sync-rule 33: comes by the same channel after a restart, and no second one is opened', async () => {
    const restarted = await pushed.watched('restarted');
    const [channels, { watch }] = [channelsAt(restarted.email), pushed.asked(restarted.email)];
    expect(channels).toHaveLength(1);
    await pushed.service.halt();
    await pushed.service.restart();
    restarted.change('after the restart');
    await restarted.sees('after the restart');
    await pushed.tend(restarted);
    expect([channelsAt(restarted.email), pushed.asked(restarted.email).watch]).toEqual([channels, watch]);
  });

  it('comes by another channel after a start with another address than its channel was opened for', async () => {
    const moved = await pushed.watched('moved');
    const [before] = channelsAt(moved.email);
    await pushed.service.rows(
      `update watch_channel set address = 'https://former.example/v1/webhooks/google', opened_at = opened_at - interval '1 hour' where channel_id = $1`,
      [before],
    );
    await pushed.service.halt();
    await pushed.service.restart();
    await eventually('another channel is relied on', async () => {
      const live = (await pushed.channels(moved)).filter(({ state, is_heard }) => state === 'live' && is_heard);
      return live.length === 1 && live[0]?.channel_id !== before;
    });
    await eventually('its owner is told so', async () => isDeepStrictEqual(await modeOf(moved), PUSHED));
    moved.change('after the move');
    await moved.sees('after the move');
  });

  it('sync-rule 33: is read when the process was killed, whether it came before or after', async () => {
    const killed = await pushed.watched('killed');
    const channels = channelsAt(killed.email);
    killed.change('before the kill');
    await eventually('it was told', () => lastOf(killed)['x-goog-resource-state'] === 'exists');
    await pushed.service.kill();
    await pushed.service.restart();
    await killed.sees('before the kill');
    killed.change('after the kill');
    await killed.sees('after the kill');
    expect(channelsAt(killed.email)).toEqual(channels);
  });

  it('sync-rule 10: comes by a new channel once 80 % of the life of one are over, and by both until the old one is stopped', async () => {
    const renewed = await pushed.watched('renewed');
    const [first] = await pushed.channels(renewed);
    expect(first?.renewed_at_share).toBeGreaterThanOrEqual(0.74);
    expect(first?.renewed_at_share).toBeLessThanOrEqual(0.8);
    await pushed.service.rows('update watch_channel set renew_at = now() where calendar_id = $1', [renewed.calendarId]);
    await pushed.tend(renewed);
    expect((await pushed.channels(renewed)).map(({ state, channel_id }) => [state, channel_id === first?.channel_id])).toEqual([
      ['old', true],
      ['live', false],
    ]);
    expect(channelsAt(renewed.email)).toHaveLength(2);
    await pushed.quiet(renewed);
    renewed.change('told twice');
    await renewed.sees('told twice');
    await eventually('both have told of it', async () => (await pushed.channels(renewed)).every(({ seen }) => Number(seen) > 1));
    // The overlap is over.
    await pushed.service.rows(`update watch_channel set opened_at = opened_at - interval '10 minutes' where calendar_id = $1`, [
      renewed.calendarId,
    ]);
    await pushed.tend(renewed);
    const left = await pushed.channels(renewed);
    expect(left.map(({ state }) => state)).toEqual(['live']);
    expect(channelsAt(renewed.email)).toEqual(left.map(({ channel_id }) => channel_id));
    await pushed.quiet(renewed);
    renewed.change('told once');
    await renewed.sees('told once');
  });

  it('sync-rule 11: is read by the next sweep when the push was lost', async () => {
    const lost = await pushed.watched('lost');
    pushed.suffer({ fault: 'push-lost', account: lost.email });
    lost.change('told to none');
    await pushed.clockwork.sweep(lost, lost.calendarId);
    await lost.sees('told to none');
    // One that is lost says nothing of the service.
    expect(await modeOf(lost)).toEqual(PUSHED);
    pushed.suffer();
  });

  it('sync-rule 11: is polled for, and said so, while no push comes, and told of again when one does', async () => {
    const silent = await pushed.watched('silent');
    pushed.suffer({ fault: 'push-lost', account: silent.email });
    for (const title of ['first in silence', 'second in silence']) {
      silent.change(title);
      await pushed.clockwork.sweep(silent, silent.calendarId);
      await silent.sees(title);
      await pushed.service.rows(`update watch_state set missed_at = missed_at - interval '5 minutes' where calendar_id = $1`, [
        silent.calendarId,
      ]);
      await pushed.service.rows(
        `update watch_channel set heard_at = heard_at - interval '1 hour', opened_at = opened_at - interval '1 hour' where calendar_id = $1`,
        [silent.calendarId],
      );
      await pushed.tend(silent);
    }
    expect(await modeOf(silent)).toEqual({ mode: 'polled', code: 'push.unhealthy', reason: expect.stringContaining('every few minutes') });
    const [row] = await pushed.service.rows<{ soon: boolean }>(
      `select due_at < now() + interval '6 minutes' as soon from sync_state where calendar_id = $1`,
      [silent.calendarId],
    );
    expect(row?.soon).toBe(true);
    pushed.suffer();
    silent.change('told again');
    await silent.sees('told again');
    await eventually('push is relied on again', async () => (await modeOf(silent)).mode === 'pushed');
  });

  it('sync-rule 28: is polled for, and healthy, where a calendar cannot be watched', async () => {
    const email = emailOf('holiday');
    pushed.google.calendars.putCalendar({ id: email, summary: 'Holidays', timeZone: 'UTC', watchable: false });
    const person = await personOf(pushed.service, 'holiday');
    const view: ConnectionView = await pushed.link(person, email);
    const calendarId = view.calendars[0]?.calendarId ?? '';
    await eventually('it was asked for', async () => (await pushed.mode(person, calendarId)).mode === 'unwatchable');
    expect(await pushed.mode(person, calendarId)).toEqual({
      ...{ mode: 'unwatchable', code: 'push.unwatchable', reason: expect.stringContaining('about once a day') },
    });
    expect([(await person.view(view.connectionId)).status, channelsAt(email)]).toEqual(['connected', []]);
    const [row] = await pushed.service.rows<{ rarely: boolean }>(
      `select due_at > now() + interval '5 days' as rarely from watch_state where calendar_id = $1`,
      [calendarId],
    );
    expect([row?.rarely, pushed.asked(email).watch]).toEqual([true, 1]);
  });

  it('sync-rule 12: is refused once the connection is revoked, although Google goes on telling', async () => {
    const revoked = await pushed.watched('revoked');
    pushed.suffer({ fault: 'push-unstoppable', account: revoked.email });
    const channel = channelOf(revoked.email);
    expect((await revoked.request('DELETE', `/v1/calendar/connections/${revoked.connectionId}`)).status).toBe(202);
    await eventually('its channel is stopped', () => channelsAt(revoked.email).length === 0);
    await eventually('nothing of it is left', async () => {
      const left = await pushed.service.rows('select 1 from watch_channel where connection_id = $1', [revoked.connectionId]);
      return left.length === 0;
    });
    const [events, came] = [pushed.asked(revoked.email).events, pushed.relay.passed.length];
    revoked.change('after the revoke');
    await eventually('a zombie comes', () => pushed.relay.passed.length > came);
    expect(pushed.relay.passed.at(-1)).toMatchObject({ status: 404, headers: { 'x-goog-channel-id': channel } });
    expect(await pushed.service.rows('select 1 from sync_state where connection_id = $1', [revoked.connectionId])).toEqual([]);
    expect([pushed.asked(revoked.email).events, await revoked.shown()]).toEqual([events, []]);
    pushed.suffer();
  });

  it('is read once, however often it is replayed, and not at all when it is forged', async () => {
    const attacked = await pushed.watched('attacked');
    attacked.change('genuine');
    await attacked.sees('genuine');
    await pushed.quiet(attacked);
    const [before, genuine] = [pushed.asked(attacked.email).events, lastOf(attacked)];
    for (let time = 0; time < 20; time += 1) expect((await pushed.replay(genuine)).status).toBe(204);
    const next = { 'x-goog-message-number': String(Number(genuine['x-goog-message-number']) + 1_000) };
    for (const forged of [{ 'x-goog-channel-token': 'x'.repeat(43) }, { 'x-goog-resource-id': 'x' }, { 'x-goog-channel-id': 'x' }]) {
      const answer = await pushed.replay(genuine, { ...next, ...forged });
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([404, 'webhook.unknown-channel']);
    }
    await pushed.quiet(attacked);
    expect(pushed.asked(attacked.email).events).toBe(before);
    await eventually('they are counted', async () => (await metric('repeated')) >= 20 && (await metric('refused')) >= 3);
    expect(pushed.service.output()).not.toContain(genuine['x-goog-channel-token']);
  });

  it('is asked for again while the database is away, and read when it is back', async () => {
    const away = await pushed.watched('away');
    pushed.relay.keepBack(true);
    const came = pushed.relay.passed.length;
    away.change('while the database was away');
    const kept = await eventually('it was told', () =>
      pushed.relay.passed.slice(came).find(({ headers }) => headers['x-goog-resource-state'] === 'exists'),
    );
    pushed.relay.keepBack(false);
    process.kill(await pushed.service.engine('postgres'), 'SIGKILL');
    await eventually('nothing can be written down', async () => (await pushed.replay(kept.headers)).status === 503);
    // As Google repeats it.
    await eventually('it is taken', async () => (await pushed.replay(kept.headers)).status === 204);
    await away.sees('while the database was away');
  });
});
