import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type CalendarObject, type Component, type Timing } from '../../src/calendar/calendar-object.js';
import { type Ink, objectName, refOf, toUpsert } from '../../src/sync/upsert.js';
import { marker, sealer } from '../../src/infra/vault/sealing.aes.js';
import { calendarObject, component } from '../support/builders.js';

const key = createHmac('sha256', 'a key of this test').digest();
const seals = sealer(key, 'ada|connection');
const inkOf = (calendarId: string, person = key): Ink => ({ calendarId, seal: seals.seal, mark: marker(person) });
const ink = inkOf('work');

const EVERYTHING = {
  title: 'Divorce lawyer',
  location: 'Rue de Rivoli',
  description: 'Bring the papers',
  organizer: { name: 'Grace Hopper', email: 'grace@example.org' },
  attendees: [{ name: 'Alan Turing', email: 'alan@example.org', response: 'accepted', self: false }],
  url: 'https://example.org/meet/42',
  uid: 'uid-of-grace',
} as const;

const zone = (name: string, offset: number): Pick<CalendarObject, 'components' | 'zones'> => ({
  components: [component({ start: { wall: '2026-11-23T10:00:00', zone: name } })],
  zones: { [name]: [{ start: '1970-01-01T00:00:00', offsetFrom: offset, offsetTo: offset, rule: null, dates: [] }] },
});

const copyOf = (object: CalendarObject, by = ink): string => toUpsert(by, object, null).components[0]?.copy ?? '';

describe('What is stored of an object', () => {
  it('holds nothing personal in clear', () => {
    const object = calendarObject('/dav/grace/home/lunch.ics', {
      seriesRemoteId: '/dav/grace/home/lunch.ics',
      components: [component({ start: { wall: '2026-11-23T10:00:00', zone: "Grace's home" } }, EVERYTHING)],
      zones: zone("Grace's home", 3_600).zones,
    });
    expect(JSON.stringify(toUpsert(ink, object, null))).not.toMatch(/grace|lawyer|rivoli|papers|alan|example|lunch/i);
  });

  it('opens to the contents of its components and its remote id, under its own name', () => {
    const object = calendarObject('lunch', { components: [component({}, EVERYTHING), component()] });
    const { ref, sealed } = toUpsert(ink, object, null);
    expect(ref).toBe(refOf(ink, 'lunch'));
    expect(JSON.parse(seals.open(objectName('work', ref), sealed))).toEqual({
      remoteId: 'lunch',
      contents: object.components.map(({ contents }) => contents),
    });
    expect(() => seals.open(objectName('home', ref), sealed)).toThrow();
  });

  it('keeps what is searched in clear', () => {
    const object = calendarObject('lunch', { components: [component({ rules: ['FREQ=DAILY'], private: true }, EVERYTHING)] });
    const { contents: _, ...timing } = object.components[0] ?? component();
    expect(toUpsert(ink, object, null).components).toEqual([{ ...timing, copy: copyOf(object) }]);
  });

  it('says what kind of thing it is, what of it is left out, and that it is no meeting of ours', () => {
    const object = calendarObject('away', { eventType: 'out-of-office', problems: ['component.bad-time'] });
    expect(toUpsert(ink, object, null)).toMatchObject({ eventType: 'out-of-office', problems: ['component.bad-time'], meeting: null });
  });

  it('is another when it becomes another kind of thing, and is what it was before there were kinds', () => {
    const object = calendarObject('lunch', { problems: ['component.bad-time'] });
    const { hash, components } = toUpsert(ink, object, null);
    const contents = object.components.map((each) => each.contents);
    expect(hash).toBe(ink.mark('content', JSON.stringify([components, {}, contents])));
    expect(toUpsert(ink, object, hash).changed).toBe(false);
    expect(toUpsert(ink, { ...object, eventType: 'birthday' }, hash).changed).toBe(true);
  });

  it('goes by one mark in one calendar and another in the next', () => {
    expect(refOf(ink, 'lunch')).toBe(refOf(inkOf('work'), 'lunch'));
    expect(refOf(ink, 'lunch')).not.toBe(refOf(inkOf('home'), 'lunch'));
    expect(toUpsert(ink, calendarObject('b', { seriesRemoteId: 'a' }), null).series).toBe(refOf(ink, 'a'));
  });
});

describe('A zone that only the vendor knows', () => {
  it('goes by what it defines, so that parts of a series stored apart agree on it', () => {
    const [mine, yours, other] = [zone('My zone', 3_600), zone('Your zone', 3_600), zone('My zone', 7_200)].map((part) =>
      toUpsert(ink, calendarObject('lunch', part), null),
    );
    expect(Object.keys(mine?.zones ?? {})).toEqual([expect.stringMatching(/^custom:[\w-]{22}$/)]);
    expect(mine?.components[0]?.start).toEqual({ wall: '2026-11-23T10:00:00', zone: Object.keys(mine?.zones ?? {})[0] });
    expect(yours?.zones).toEqual(mine?.zones);
    expect(Object.keys(other?.zones ?? {})).not.toEqual(Object.keys(mine?.zones ?? {}));
  });

  it('is renamed wherever a component names it, and a public name stays', () => {
    const at = (name: string) => ({ wall: '2026-11-23T10:00:00', zone: name });
    const components = [
      component({
        start: at('My zone'),
        recurrenceId: at('My zone'),
        exdates: [at('My zone'), at('Europe/Paris')],
        rdates: [{ start: at('My zone'), span: null }],
      }),
    ];
    const { components: stored } = toUpsert(ink, calendarObject('lunch', { components, zones: zone('My zone', 0).zones }), null);
    const text = JSON.stringify(stored);
    expect(text).not.toContain('My zone');
    expect(text.match(/custom:/g)).toHaveLength(4);
    expect(text).toContain('Europe/Paris');
  });
});

describe('The same meeting in two calendars of a person', () => {
  it('has the same mark when the UID is the same, however different the rest', () => {
    const there = calendarObject('lunch', { components: [component({}, EVERYTHING)] });
    const here = calendarObject('42', { components: [component({ busy: 'free' }, { uid: EVERYTHING.uid })] });
    expect(copyOf(there)).toBe(copyOf(here, inkOf('home')));
  });

  it('has the same mark without a UID when organiser, start and title are the same', () => {
    const without = (title: string): CalendarObject =>
      calendarObject('lunch', { components: [component({}, { ...EVERYTHING, title, uid: null })] });
    expect(copyOf(without('Lunch'))).toBe(copyOf(without('Lunch'), inkOf('home')));
    expect(copyOf(without('Lunch'))).not.toBe(copyOf(without('Dinner')));
  });

  it('has the same mark for a change without UID as for the only series it can be of, under any title', () => {
    const titled = (timing: Partial<Timing>, title: string) => component(timing, { title, uid: null });
    const change = { recurrenceId: { wall: '2026-11-24T10:00:00', zone: 'UTC' } };
    const marks = (...components: readonly Component[]) =>
      toUpsert(ink, calendarObject('standup', { components }), null).components.map(({ copy }) => copy);
    const [series, changed, named] = marks(titled({}, 'Standup'), titled(change, 'Moved'), component(change, { uid: 'another' }));
    expect(changed).toBe(series);
    expect(named).not.toBe(series);
    const [withUid, without] = marks(component({}, { uid: 'standup' }), titled(change, 'Moved'));
    expect(without).toBe(withUid);
    const [one, other, either] = marks(titled({}, 'Standup'), titled({}, 'Lunch'), titled(change, 'Moved'));
    expect([one, other]).not.toContain(either);
  });

  it('cannot be told by anybody else', () => {
    const object = calendarObject('lunch');
    const stranger = createHmac('sha256', 'another key').digest();
    expect(copyOf(object)).not.toBe(copyOf(object, inkOf('work', stranger)));
  });
});

describe('The content hash', () => {
  it('is the same for the same content, though sealing gives other bytes', () => {
    const once = toUpsert(ink, calendarObject('lunch'), null);
    const again = toUpsert(ink, calendarObject('lunch', { etag: 'another' }), once.hash);
    expect([again.hash, again.changed]).toEqual([once.hash, false]);
    expect(again.sealed).not.toBe(once.sealed);
  });

  it('tells every change of what is shown or searched', () => {
    const changes: readonly Partial<CalendarObject>[] = [
      { components: [component({ busy: 'free' }, { uid: 'lunch', title: 'lunch' })] },
      { components: [component({}, { uid: 'lunch', title: 'Late lunch' })] },
      { components: [component({ span: { days: 0, seconds: 60 } }, { uid: 'lunch', title: 'lunch' })] },
      zone('My zone', 3_600),
      zone('My zone', 7_200),
    ];
    const known = toUpsert(ink, calendarObject('lunch'), null).hash;
    const upserts = changes.map((change) => toUpsert(ink, calendarObject('lunch', change), known));
    expect(upserts.map(({ changed }) => changed)).toEqual(changes.map(() => true));
    expect(new Set(upserts.map(({ hash }) => hash)).size).toBe(changes.length);
  });

  it('says changed exactly when it is not the one that is known', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        const titled = (title: string): CalendarObject => calendarObject('lunch', { components: [component({}, { title })] });
        const { hash } = toUpsert(ink, titled(before), null);
        expect(toUpsert(ink, titled(after), hash).changed).toBe(before !== after);
      }),
    );
  });
});
