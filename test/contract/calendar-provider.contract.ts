import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Secret } from '../../src/kernel/vault.js';
import { type Change, type DiscoveredCalendar, ProviderFault } from '../../src/provider/calendar-provider.js';
import { expand } from '../../src/time/recurrence.js';
import { fixedGrant } from '../../src/provider/grant.js';
import { allowed, allTold, etagsOf, knownAfter, type Scan, scanAll, told } from '../support/caldav.js';
import { DAY, HOUR, icsOf, type Item } from '../support/calendar-item.js';
import { instancesIn, lines } from '../support/oracle.js';
import { daysOf, type Entry, entry, type ProvidedAccount, type Trouble } from '../support/provided-account.js';
import { wholeWindow } from '../support/whole-window.js';

const WINDOW = { start: new Date(wholeWindow.from).toISOString(), end: new Date(wholeWindow.to).toISOString() };

type Request = NonNullable<Parameters<typeof scanAll>[3]>;

/** What takes place, told by what the provider brought: objects of one series are one, as the merged calendar shows them. */
const takingPlace = ({ changes }: Scan): readonly string[] => {
  const series = new Map<string, Extract<Change, { kind: 'object' }>['object'][]>();
  for (const change of changes)
    if (change.kind === 'object')
      series.set(change.object.seriesRemoteId, [...(series.get(change.object.seriesRemoteId) ?? []), change.object]);
  return [...series.values()].flatMap((objects) => {
    const components = objects
      .flatMap((object) => object.components)
      .sort((a, b) => Number(a.recurrenceId !== null) - Number(b.recurrenceId !== null));
    const zones = Object.assign({}, ...objects.map((object) => object.zones)) as (typeof objects)[0]['zones'];
    const expansion = expand(components, zones, { start: wholeWindow.from, end: wholeWindow.to }, 'UTC');
    if ('unexpandable' in expansion) return [expansion.unexpandable];
    return lines(
      expansion.occurrences.map(({ component, start, end, allDay, localStart, localEnd }) => ({
        title: components[component]?.contents.title ?? null,
        start: allDay ? (localStart ?? '') : new Date(start).toISOString(),
        end: allDay ? (localEnd ?? '') : new Date(end).toISOString(),
        allDay,
      })),
    );
  });
};

/** The same, by somebody who knows nothing of our code. */
const meant = (entries: readonly Entry[]): readonly string[] =>
  entries.flatMap((each) => lines(instancesIn(icsOf({ ...each, lines: [] } satisfies Item), wholeWindow)));

const remoteIdOf = (scan: Scan, title: string): string =>
  scan.changes.flatMap((change) => (told(change) === `object ${title}` && 'object' in change ? [change.object.remoteId] : []))[0] ??
  `${title} was not brought`;

/** What a later scan tells, and what is gone by it: told as removed, or missing where everything was listed. */
const news = (earlier: Scan, later: Scan): readonly string[] => {
  const listed = new Set(later.changes.map((change) => (change.kind === 'object' ? change.object.remoteId : change.remoteId)));
  const removed = later.changes.flatMap((change) => (change.kind === 'removed' ? [change.remoteId] : []));
  const missing = later.end.whole ? [...etagsOf(earlier).keys()].filter((remoteId) => !listed.has(remoteId)) : [];
  const others = later.changes.filter(({ kind }) => kind !== 'unchanged' && kind !== 'removed').map(told);
  return [...others, ...[...removed, ...missing].map((remoteId) => `gone ${remoteId}`)].sort();
};

const weekly = (title: string, change: Partial<Entry> = {}): Entry => ({ ...entry(title), rule: 'FREQ=WEEKLY;COUNT=12', ...change });

const startOf = ({ master }: Entry): number => master.start;

/**
 * What every implementation of the provider port holds, for any service behind it. `troubles`: what the service can be made to do.
 * A fault of the service never names a person, a calendar or a secret.
 */
export const holdsProviderContract = (service: string, start: () => Promise<ProvidedAccount>, troubles: readonly Trouble[] = []): void => {
  describe(`${service}, read through the provider port`, () => {
    let account: ProvidedAccount;
    let name: string;
    let calendar: DiscoveredCalendar;

    const secret = (): Secret => account.secrets()[0];
    const discover = (by: Secret = secret()) => account.provider.discover(fixedGrant(by), allowed());
    const found = async (called: string): Promise<DiscoveredCalendar> => {
      const known = (await discover()).calendars.find((each) => each.name === called);
      if (known === undefined) throw new Error(`${called} was not discovered`);
      return known;
    };
    const scanBy = (by: Secret, request: Request = {}, address = calendar.address): Promise<Scan> =>
      scanAll(account.provider, by, address, { window: WINDOW, ...request });
    const scan = (request: Request = {}): Promise<Scan> => scanBy(secret(), request);
    const since = (earlier: Scan, request: Request = {}): Promise<Scan> =>
      scan({ cursor: earlier.end.cursor, known: knownAfter(earlier), held: etagsOf(earlier).size, ...request });
    const put = (...entries: readonly Entry[]): Promise<readonly (string | null)[]> =>
      entries.reduce<Promise<readonly (string | null)[]>>(
        async (before, each) => [...(await before), await account.put(name, each.master.title, each)],
        Promise.resolve([]),
      );
    const faultOf = (work: Promise<unknown>): Promise<ProviderFault> =>
      work.then(
        () => Promise.reject(new Error('it did not fail')),
        (error: unknown) => {
          expect(error).toBeInstanceOf(ProviderFault);
          const fault = error as ProviderFault;
          for (const personal of [...Object.values(secret()), name, calendar.remoteId]) expect(fault.message).not.toContain(personal);
          return fault;
        },
      );

    beforeAll(async () => {
      account = await start();
    });
    beforeEach(async () => {
      name = await account.calendar();
      calendar = await found(name);
    });
    afterEach(async () => {
      await account.recover();
      await account.refuse(false);
    });
    afterAll(() => account.stop());

    describe('discovers an account', () => {
      it('with its calendars, which may be written to and are called the same every time', async () => {
        expect(calendar).toMatchObject({ name, writable: true, busyOnly: false });
        await put(entry('Lunch'));
        expect(await found(name)).toEqual(calendar);
        const ids = (await discover()).calendars.map(({ remoteId }) => remoteId);
        expect(new Set(ids).size).toBe(ids.length);
      });

      it('that has no calendars', async () => {
        expect((await discover(account.otherSecret())).calendars).toEqual([]);
      });

      it('under one proved id, by each secret that opens it, with any calendars in it', async () => {
        const before = await discover();
        await account.calendar();
        const ids = await Promise.all(account.secrets().map(async (each) => (await discover(each)).accountId));
        expect(new Set([...ids, before.accountId])).toEqual(new Set([before.accountId]));
        expect(before.accountId).not.toBe('');
        expect(before.accountName).not.toBe('');
      });

      it('under another id than somebody else’s', async () => {
        expect((await discover(account.otherSecret())).accountId).not.toBe((await discover()).accountId);
      });

      it('not with a wrong secret', async () => {
        expect((await faultOf(discover(account.wrongSecret()))).fault).toBe('access-revoked');
        expect((await faultOf(scanBy(account.wrongSecret()))).fault).toBe('access-revoked');
      });

      it('no longer once the service refuses the secret, and again when it takes it', async () => {
        await put(entry('Lunch'));
        const before = await scan();
        await account.refuse(true);
        expect((await faultOf(discover())).fault).toBe('access-revoked');
        expect((await faultOf(scan())).fault).toBe('access-revoked');
        expect((await faultOf(since(before))).fault).toBe('access-revoked');
        await account.refuse(false);
        expect((await since(before)).changes).toEqual([]);
      });
    });

    describe('reads a calendar', () => {
      it('whole, then only what changed', async () => {
        await put(entry('Lunch @noon'), entry('Walk'));
        const whole = await scan();
        expect(allTold(whole)).toEqual(['object Lunch @noon', 'object Walk']);
        expect(whole.end).toMatchObject({ whole: true, again: false, expected: 2 });

        await put({ ...entry('Walk'), master: { ...entry('Walk', 1).master, title: 'Walk' } });
        await account.remove(name, 'Lunch @noon');
        const delta = await since(whole);
        expect(news(whole, delta)).toEqual([`gone ${remoteIdOf(whole, 'Lunch @noon')}`, 'object Walk']);
        expect(remoteIdOf(delta, 'Walk')).toBe(remoteIdOf(whole, 'Walk'));
        expect(delta.end.again).toBe(false);

        expect((await scan({ cursor: delta.end.cursor })).changes).toEqual([]);
      });

      it('with the etag that the writer was told', async () => {
        const [etag = null] = await put(entry('Walk'));
        const read = await scan();
        expect(etagsOf(read).get(remoteIdOf(read, 'Walk'))).toBe(etag);
      });

      it('the same again from a cursor it has been read from before', async () => {
        await put(entry('Lunch'), entry('Walk'));
        const whole = await scan();
        await put(entry('Swim'));
        await account.remove(name, 'Walk');
        for (const delta of [await since(whole), await since(whole)])
          expect(news(whole, delta)).toEqual([`gone ${remoteIdOf(whole, 'Walk')}`, 'object Swim']);
      });

      it('without losing what was removed and made again in between', async () => {
        await put(entry('Walk'));
        const whole = await scan();
        await account.remove(name, 'Walk');
        await put(entry('Walk', 3));
        expect(takingPlace(await since(whole))).toEqual(meant([entry('Walk', 3)]));
      });

      it('that is empty, and tells it from one that is not there', async () => {
        expect((await scan()).end).toMatchObject({ whole: true, expected: 0 });
        const missing = scanBy(secret(), {}, account.missingAddress());
        expect((await faultOf(missing)).fault).toBe('calendar-gone');
      });

      it('of many objects, each of them once', async () => {
        const many = Array.from({ length: 150 }, (_, index) => entry(`Entry ${index}`, index % 28));
        await put(...many);
        const whole = await scan();
        expect(allTold(whole)).toEqual(many.map(({ master }) => `object ${master.title}`).sort());
        expect(whole.end.expected).toBe(150);
      });

      it('and lists all of it when asked to, at any cursor', async () => {
        await put(entry('Lunch'), entry('Walk'), entry('Swim'));
        const whole = await scan();
        await account.remove(name, 'Lunch');
        const listed = await since(whole, { list: true });
        expect(listed.end.whole).toBe(true);
        const stays = listed.changes.flatMap((change) => (change.kind === 'unchanged' ? [change.remoteId] : []));
        expect(stays.sort()).toEqual([remoteIdOf(whole, 'Walk'), remoteIdOf(whole, 'Swim')].sort());
        expect(news(whole, listed)).toEqual([`gone ${remoteIdOf(whole, 'Lunch')}`]);
      });

      it('with the urgent days first', async () => {
        await put(entry('Monday'), entry('Tuesday', 1), entry('In a month', 30), entry('In half a year', 180));
        const { pages } = await scan({ soon: daysOf(0, 2) });
        expect(pages.map((page) => page.map(told).sort())).toEqual([
          ['object Monday', 'object Tuesday'],
          ['object In a month', 'object In half a year'],
        ]);
      });

      it('and finds a series by any of its instances', async () => {
        await put(weekly('Weekly'), entry('Once', 64));
        expect((await scan({ soon: daysOf(49, 1) })).pages[0]?.map(told)).toEqual(['object Weekly']);
        expect((await scan({ soon: daysOf(63, 2) })).pages[0]?.map(told).sort()).toEqual(['object Once', 'object Weekly']);
      });
    });

    describe('understands', () => {
      const understood = async (...entries: readonly Entry[]): Promise<void> => {
        await put(...entries);
        expect(takingPlace(await scan()).toSorted()).toEqual(meant(entries).toSorted());
      };

      it('whole days, the end of which is exclusive', () =>
        understood(
          entry('Holiday', 0, { start: startOf(entry('', 0)) - 9 * HOUR, length: 3 * DAY, zone: null }),
          weekly('Day off', { master: entry('Day off', 4, { start: startOf(entry('', 4)) - 9 * HOUR, length: DAY, zone: null }).master }),
        ));

      it('zones, on both sides of a change of their clocks', () =>
        understood(
          { ...weekly('New York'), master: entry('New York', 1, { zone: 'America/New_York' }).master, rule: 'FREQ=MONTHLY;COUNT=10' },
          { ...weekly('Sydney'), master: entry('Sydney', 1, { zone: 'Australia/Sydney' }).master, rule: 'FREQ=MONTHLY;COUNT=10' },
        ));

      it('a series with an instance taken out, one cancelled and one moved', () => {
        const series = weekly('Weekly');
        const first = startOf(series);
        const override = { ...series.master, thisAndFuture: false };
        return understood({
          ...series,
          exdates: [first + 7 * DAY],
          overrides: [
            { ...override, of: first + 14 * DAY, start: first + 14 * DAY, status: 'CANCELLED' },
            { ...override, of: first + 21 * DAY, start: first + 22 * DAY + HOUR, title: 'Weekly, moved' },
          ],
        });
      });

      it('an instance that is cancelled after the series was read', async () => {
        const series = weekly('Weekly');
        await put(series);
        const whole = await scan();
        const of = startOf(series) + 7 * DAY;
        const changed = { ...series, overrides: [{ ...series.master, thisAndFuture: false, of, start: of, status: 'CANCELLED' as const }] };
        await put(changed);
        const delta = await since(whole);
        const brought = new Set(delta.changes.flatMap((change) => (change.kind === 'object' ? [change.object.remoteId] : [])));
        const kept = whole.changes.filter((change) => change.kind === 'object' && !brought.has(change.object.remoteId));
        expect(takingPlace({ ...delta, changes: [...kept, ...delta.changes] })).toEqual(meant([changed]));
      });

      it('what takes no time', async () => {
        await put(entry('Meeting'), { ...entry('Birthday of a friend'), takesTime: false });
        const busy = (await scan()).changes.flatMap((change) =>
          change.kind === 'object' ? change.object.components.map(({ busy: how, contents }) => `${contents.title ?? ''}: ${how}`) : [],
        );
        expect(busy.sort()).toEqual(['Birthday of a friend: free', 'Meeting: busy']);
      });
    });

    describe('asks for a new start', () => {
      it('when the service has forgotten the cursor', async () => {
        await put(entry('Lunch'));
        const whole = await scan();
        await account.forgetCursors(name);
        await put(entry('Walk'));
        expect((await faultOf(since(whole))).fault).toBe('cursor-expired');
        expect(allTold(await scan())).toEqual(['object Lunch', 'object Walk']);
      });

      it.each(['', 'nonsense', '{}', 'null', '{"rung":"no such"}'])('from a cursor that is none of its own: %j', async (cursor) => {
        expect((await faultOf(scan({ cursor }))).fault).toBe('cursor-expired');
      });
    });

    describe('stops', () => {
      it('before the first request, without leave to make it', async () => {
        const refusal = new Error('superseded');
        const call = { ...allowed(), permit: () => Promise.reject(refusal) };
        await expect(scan({ call })).rejects.toBe(refusal);
        await expect(account.provider.discover(fixedGrant(secret()), call)).rejects.toBe(refusal);
      });

      it('when it is told to, with the reason it is given', async () => {
        const reason = new Error('revoked');
        const call = { ...allowed(), signal: AbortSignal.abort(reason) };
        await expect(scan({ call })).rejects.toBe(reason);
        await expect(account.provider.discover(fixedGrant(secret()), call)).rejects.toBe(reason);
      });

      it('when its reader takes no more, and can be read again', async () => {
        await put(entry('Lunch'), entry('Walk', 30));
        const request = { cursor: null, soon: daysOf(0, 1), window: WINDOW, held: 0, list: false, call: allowed() };
        const known = () => Promise.resolve(new Map<string, string | null>());
        for await (const page of account.provider.scan(fixedGrant(secret()), calendar.address, { ...request, known })) {
          expect(page.changes).not.toEqual([]);
          break;
        }
        expect(allTold(await scan())).toEqual(['object Lunch', 'object Walk']);
      });
    });

    const suffers: Readonly<Record<Trouble, () => Promise<void>>> = {
      throttled: async () => {
        const { fault, retryAfter } = await faultOf(scan());
        expect([fault, Number(retryAfter) > 0]).toEqual(['throttled', true]);
      },
      unavailable: async () => {
        expect((await faultOf(scan())).fault).toBe('unavailable');
      },
      'unreadable-object': async () => {
        expect((await scan()).changes.map(({ kind }) => kind).sort()).toEqual(['object', 'unreadable']);
      },
    };
    for (const trouble of troubles)
      it(`survives its service being in trouble: ${trouble}`, async () => {
        await put(entry('Lunch'), entry('Walk'));
        await account.suffer(trouble);
        await suffers[trouble]();
        await account.recover();
        expect(allTold(await scan())).toEqual(['object Lunch', 'object Walk']);
      });

    // The last, because a grant that is given back opens nothing more.
    it('knows the version of its mapping, and how the grant is given back', async () => {
      expect(Number.isSafeInteger(account.provider.mapping) && account.provider.mapping > 0).toBe(true);
      expect(['revoked', 'manual']).toContain(await account.provider.revoke(secret(), allowed()));
    });
  });
};
