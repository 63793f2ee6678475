import { describe, expect, it } from '@jest/globals';
import { busyOf, type BusySigns, countedAs } from '../../src/calendar/busy.js';
import { type Busy } from '../../src/calendar/calendar-object.js';

const plain: BusySigns = { status: 'confirmed', transparent: false, response: null, eventType: null, showAs: null };

const table: readonly (readonly [string, Partial<BusySigns>, Busy])[] = [
  ['an event of one’s own', {}, 'busy'],
  ['a cancelled event', { status: 'cancelled' }, 'free'],
  ['a cancelled event that is shown as busy', { status: 'cancelled', showAs: 'BUSY' }, 'free'],
  ['a tentative event', { status: 'tentative' }, 'tentative'],
  ['a transparent event', { transparent: true }, 'free'],
  ['a transparent event that was accepted', { transparent: true, response: 'accepted' }, 'free'],
  ['an accepted invitation', { response: 'accepted' }, 'busy'],
  ['a declined invitation', { response: 'declined' }, 'free'],
  ['an invitation accepted as tentative', { response: 'tentative' }, 'tentative'],
  ['an invitation without an answer', { response: 'needs-action' }, 'needs-action'],
  ['an invitation without an answer to a tentative event', { response: 'needs-action', status: 'tentative' }, 'needs-action'],
  ['an accepted invitation to a tentative event', { response: 'accepted', status: 'tentative' }, 'tentative'],
  ['a working location', { eventType: 'workingLocation' }, 'free'],
  ['a birthday', { eventType: 'birthday' }, 'free'],
  ['out of office', { eventType: 'outOfOffice' }, 'busy'],
  ['focus time', { eventType: 'focusTime' }, 'busy'],
  ['an ordinary Google event', { eventType: 'default' }, 'busy'],
  ['an Outlook event shown as free', { showAs: 'free' }, 'free'],
  ['an Outlook event shown as working elsewhere', { showAs: 'workingElsewhere' }, 'free'],
  ['an Outlook event shown as tentative', { showAs: 'TENTATIVE' }, 'tentative'],
  ['an Outlook event shown as busy', { showAs: 'busy' }, 'busy'],
  ['an Outlook event shown as out of office', { showAs: 'OOF' }, 'busy'],
  ['an Outlook event whose state is unknown', { showAs: 'unknown' }, 'busy'],
];

describe('Somebody who looks for a free slot finds', () => {
  it.each(table)('%s: %j is %s', (_, signs, busy) => {
    expect(busyOf({ ...plain, ...signs })).toBe(busy);
  });
});

const COUNTS: readonly Busy[] = ['busy', 'tentative', 'needs-action', 'free'];

describe('Focus time', () => {
  it.each(COUNTS)('that its calendar says is %s is so for an owner who wants it to take up time', (busy) => {
    expect(countedAs(busy, { isFocusTime: true, focusTimeIsBusy: true })).toBe(busy);
  });

  it.each(COUNTS)('that its calendar says is %s is free for an owner who does not, and nothing else is', (busy) => {
    expect(countedAs(busy, { isFocusTime: true, focusTimeIsBusy: false })).toBe('free');
    expect(countedAs(busy, { isFocusTime: false, focusTimeIsBusy: false })).toBe(busy);
  });
});
