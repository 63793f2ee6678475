import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { accessCodec } from '../../src/audit/access.codec.js';
import { type CalendarEvent } from '../../src/calendar/calendar.js';
import { calendarCodec } from '../../src/calendar/calendar.codec.js';
import { type ConnectionEvent } from '../../src/connection/connection.js';
import { connectionCodec } from '../../src/connection/connection.codec.js';
import { type RawEvent, type Recorded } from '../../src/kernel/event-store.js';
import { uuidOf } from '../../src/kernel/mark-uuid.js';
import { type PersonalChange } from '../../src/merged-events/changes/change-row.js';
import { toldOfEvent } from '../../src/relay/audit-messages.js';
import { type TopicContract } from '../../src/relay/cloud-event.contract.js';
import { CALENDAR_TELLERS, CONNECTION_TELLERS, toldOfCalendar, toldOfConnection } from '../../src/relay/connection-messages.js';
import { CONNECTIONS } from '../../src/relay/connections.contract.js';
import { AUDIT } from '../../src/relay/audit.contract.js';
import { toldOfCalendarAs, toldOfChange, toldOfComplete, toldOfPresent } from '../../src/relay/event-messages.js';
import { EVENTS } from '../../src/relay/events.contract.js';
import { codeOf, messageOf, type Told } from '../../src/relay/told.js';

const MARK = 'Zanzibar-Marker';
const at = '2026-03-01T08:15:02.311Z';
const [connectionId, calendarId, id] = [
  '5f0c8f7e-6a59-4a1b-9d6c-2f4f3b1a7c10',
  '0f3c2f0e-3f5c-4d8e-8f6e-0b6f6c1f2a3b',
  'b3f1c3a2-6a0e-4d5b-9c4e-1f2a3b4c5d6e',
];
const whose = { userId: 'u-1', connectionId };
const metadata = {
  commandId: 'c',
  correlationId: 'r',
  causationId: 'r',
  actor: 'u-1',
  subject: null,
  via: 'sync',
  origin: `${MARK} origin`,
};
const recorded = <E extends { type: string }>(stream: string, event: E): Recorded<E> => ({
  ...{ stream, revision: 0n, position: 7n, id, recordedAt: at, metadata, event },
});
const uuidFor = (text: string): string => uuidOf(createHash('sha256').update(text).digest('base64url'));

/** The value as consumers read it; fails where the contract of the topic does not allow it, to the last member. */
const published = ({ messages }: TopicContract, told: Told): Readonly<{ type: string; data: Readonly<Record<string, unknown>> }> => {
  const { key, value, headers, ...message } = messageOf(told);
  const parsed = JSON.parse(value ?? '') as { type: string; subject: string; id: string; data: Readonly<Record<string, unknown>> };
  const contract = messages.find(({ type }) => type === parsed.type);
  expect(contract?.schema.parse(parsed)).toEqual(parsed);
  expect([parsed.subject, parsed.id]).toEqual([key, message.id]);
  expect(headers).toEqual({ 'content-type': 'application/cloudevents+json; charset=utf-8' });
  expect(value).not.toContain(MARK);
  return parsed;
};

const marked = fc.string().map((text) => `${MARK} ${text}`);
const described = { writable: fc.boolean(), busyOnly: fc.boolean(), color: marked, timeZone: marked, sealed: marked };
const fault = fc.oneof(fc.constantFrom('access-revoked', 'unavailable'), marked);
const fact = (type: string, members: Record<string, fc.Arbitrary<unknown>> = {}) =>
  fc.record({ type: fc.constant(type), userId: fc.constant('u-1'), at: fc.constant(at), ...members });

const connectionFacts = fc.oneof(
  fact('CalendarConnected', {
    ...{ provider: fc.constantFrom('google', 'caldav'), access: fc.constantFrom('read', 'write'), account: marked, sealed: marked },
    consent: fc.record({ textVersion: marked, givenAt: fc.constant(at) }),
  }),
  fact('ConnectionReauthorized', { account: marked }),
  fact('AccessGranted', { access: fc.constantFrom('read', 'write') }),
  fact('CalendarsDiscovered', { provider: fc.constant('google'), calendars: fc.array(fc.record({ calendarId: fc.uuid(), ...described })) }),
  fact('ConnectionFailing', { fault, needsReconnect: fc.boolean(), hours: fc.constant(null), notice: fc.boolean() }),
  ...['ConnectionRecovered', 'ConnectionRevoked', 'ConnectionPurged'].map((type) => fact(type)),
  fact('GrantRevoked', { how: fc.constantFrom('revoked', 'manual', 'shared') }),
) as fc.Arbitrary<ConnectionEvent>;

const calendarFacts = fc.oneof(
  fact('CalendarAdopted', { connectionId: fc.constant(connectionId), provider: fc.constant('google'), ...described }),
  fact('CalendarDescribed', described),
  fact('WriteToggled', { mode: fc.constantFrom('read_only', 'write') }),
  fact('PrivacySet', { privacy: fc.constantFrom('full', 'title_hidden', 'busy_only') }),
  fact('VisibilitySet', { visible: fc.boolean() }),
  fact('SyncFailed', { fault }),
  ...['SyncRecovered', 'GenerationStarted', 'BaselineCompleted', 'MassChangeHeld', 'WatchOpened', 'WatchClosed', 'FeedExpired'].map(
    (type) => fact(type),
  ),
) as fc.Arbitrary<CalendarEvent>;

const typesOf = (reads: readonly string[]): readonly string[] =>
  [...new Set(reads.map((name) => name.slice(0, name.lastIndexOf('.'))))].sort();

describe('juy.calendar.connections.v1', () => {
  it('tells each type of stored event of connections and calendars, or says why it does not', () => {
    expect(Object.keys(CONNECTION_TELLERS).sort()).toEqual(typesOf(connectionCodec.reads));
    expect(Object.keys(CALENDAR_TELLERS).sort()).toEqual(typesOf(calendarCodec.reads));
    for (const teller of Object.values({ ...CONNECTION_TELLERS, ...CALENDAR_TELLERS }))
      if ('untold' in teller) expect(teller.untold.length).toBeGreaterThan(20);
  });

  it('tells every fact by its contract, with its own id, and nothing personal', () => {
    fc.assert(
      fc.property(connectionFacts, (event) => {
        const told = toldOfConnection(recorded(`connection-${connectionId}`, event), [calendarId]);
        expect(told === null).toBe('untold' in CONNECTION_TELLERS[event.type]);
        if (told !== null) expect([told.id, told.key, published(CONNECTIONS, told).data['userId']]).toEqual([id, connectionId, 'u-1']);
      }),
    );
    fc.assert(
      fc.property(calendarFacts, (event) => {
        const told = toldOfCalendar(recorded(`calendar-${calendarId}`, event), whose);
        expect(told === null).toBe('untold' in CALENDAR_TELLERS[event.type]);
        if (told !== null)
          expect([told.id, told.key, published(CONNECTIONS, told).data['calendarId']]).toEqual([id, connectionId, calendarId]);
      }),
    );
  });

  it('names, of a revoked connection, every calendar that is to be dropped', () => {
    const told = toldOfConnection(
      recorded(`connection-${connectionId}`, { type: 'ConnectionRevoked', provider: 'google', userId: 'u-1', at }),
      [calendarId],
    );
    expect(told?.data).toEqual({ ...whose, calendarIds: [calendarId] });
  });

  it('tells a code, and never a text in the place of one', () => {
    expect(['access-revoked', 'sync.stopped', 'throttled'].map(codeOf)).toEqual(['access-revoked', 'sync.stopped', 'throttled']);
    expect(['', 'Lunch with Ada', 'ada@example.com', 'a'.repeat(65), 'https://example.com'].map(codeOf)).toEqual(Array(5).fill('other'));
  });
});

const row: PersonalChange = {
  ...{ user_id: 'u-1', position: '41', part: 2, calendar_id: calendarId, connection_id: null, category: null, at: new Date(at) },
  ...{ change: 'changed', series: 'Qm9v', original: '20260302T090000Z', start_at: new Date('2026-03-02T09:00:00Z'), recurring: true },
  ...{ end_at: new Date('2026-03-02T10:00:00Z'), local_start: null, local_end: null, all_day: false, status: 'confirmed', busy: 'busy' },
};

describe('juy.calendar.events.v1', () => {
  const event = { id: 'Qm9v_20260302T090000Z', seriesId: 'Qm9v', start: '2026-03-02T09:00:00.000Z', end: '2026-03-02T10:00:00.000Z' };

  it.each(['added', 'changed', 'removed'] as const)(
    'tells an event that was %s, by the ids and times of GET /v1/calendar/changes',
    (change) => {
      const found = toldOfChange({ ...row, change }, uuidFor);
      if (found === null || !('told' in found)) throw new Error('it is not told');
      expect(published(EVENTS, found.told)).toMatchObject({
        type: `juy.calendar.events.${change}.v1`,
        data: { userId: 'u-1', calendarId, change, at, event: { ...event, allDay: false, status: 'confirmed', busy: 'busy' } },
      });
    },
  );

  it('has a calendar told whole that can be read, that changed too much, or of which a row names no event', () => {
    const nameless = { series: null, original: null, start_at: null, end_at: null, status: null, busy: null } as const;
    for (const [change, as] of [
      ['calendar-added', 'calendar-added'],
      ['calendar-changed', 'calendar-changed'],
      ['added', 'calendar-changed'],
      ['removed', 'calendar-changed'],
    ] as const)
      expect(toldOfChange({ ...row, ...nameless, change }, uuidFor)).toMatchObject({
        whole: { userId: 'u-1', calendarId, at },
        change: as,
      });
  });

  it('tells a calendar whole by messages that each have an id of their own, the same when it is told again', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/)), (ids) => {
        const telling = { userId: 'u-1', calendarId, at, origin: ['u-1', '41', 2] };
        const told = (): readonly Told[] => [
          toldOfCalendarAs('calendar-added', telling, uuidFor),
          ...ids.map((each) => toldOfPresent(telling, { ...event, id: each, allDay: false, status: 'confirmed', busy: 'free' }, uuidFor)),
          toldOfComplete(telling, ids.length, uuidFor),
        ];
        expect(told()).toEqual(told());
        expect(new Set(told().map((each) => each.id)).size).toBe(ids.length + 2);
        for (const each of told()) expect(published(EVENTS, each).data).not.toHaveProperty('origin');
      }),
    );
  });

  it('gives different changes different ids', () => {
    const idsOf = (...rows: readonly PersonalChange[]) =>
      rows.map((each) => {
        const found = toldOfChange(each, uuidFor);
        return found !== null && 'told' in found ? found.told.id : null;
      });
    const rows = [row, { ...row, part: 3 }, { ...row, position: '42' }, { ...row, user_id: 'u-2' }];
    expect(new Set(idsOf(...rows)).size).toBe(4);
    expect(idsOf(...rows)).toEqual(idsOf(...rows));
  });

  it('tells nothing of a connection, whose topic is another', () => {
    expect(toldOfChange({ ...row, change: 'connection-changed', calendar_id: null, connection_id: connectionId }, uuidFor)).toBeNull();
  });
});

describe('juy.calendar.audit.v1', () => {
  const raw = (event: Partial<RawEvent>): RawEvent => ({
    ...{ stream: `calendar-${calendarId}`, revision: 3n, position: 7n, recordedAt: at, id, type: 'WriteToggled.v1' },
    ...{
      data: { mode: MARK },
      metadata: { actor: 'u-1', subject: 'u-2', via: 'PATCH /v1/calendar/settings', commandId: 'c', $correlationId: 'r' },
    },
    ...event,
  });

  it('tells who did what to whose data, keyed by the person it is about', () => {
    const told = toldOfEvent(raw({}));
    expect(told.key).toBe('u-2');
    expect(published(AUDIT, told).data).toEqual({
      ...{ eventId: id, stream: { category: 'calendar', id: calendarId }, type: 'WriteToggled.v1', actor: 'u-1', subject: 'u-2', at },
      ...{ via: 'PATCH /v1/calendar/settings', commandId: 'c', correlationId: 'r', purpose: null, outcome: null },
    });
  });

  it('tells what somebody’s data was asked for, and whether it was shown', () => {
    const { data } = accessCodec.encode({
      ...{
        type: 'DataAccessed',
        actor: 'u-1',
        subject: 'u-3',
        purpose: 'availability',
        route: 'GET /v1/availability',
        outcome: 'granted',
        at,
      },
    });
    const told = toldOfEvent(raw({ stream: 'access-2026-03-01', type: 'DataAccessed.v1', data, metadata: { actor: 'u-1' } }));
    expect(told.key).toBe('u-3');
    expect(published(AUDIT, told).data).toMatchObject({ subject: 'u-3', purpose: 'availability', outcome: 'granted' });
  });

  it('tells every event there can be, of any writer, and never what stands in it', () => {
    const anything = fc.oneof(fc.constant({ text: MARK, actor: MARK }), fc.constant(Buffer.from(MARK)), fc.constant(null), fc.constant(7));
    fc.assert(
      fc.property(
        anything,
        fc.oneof(fc.constant(Buffer.from(MARK)), fc.constant(null), fc.record({ actor: fc.anything() })),
        (data, stored) => {
          const actorMarked = typeof stored === 'object' && stored !== null && 'actor' in stored && JSON.stringify(stored).includes(MARK);
          fc.pre(!actorMarked);
          const told = toldOfEvent(raw({ stream: 'foreign', type: 'Anything', data, metadata: stored }));
          expect(told.key).not.toBe('');
          published(AUDIT, told);
        },
      ),
    );
  });
});
