import { entryOf, type Words } from '../provider/registry.js';

const BY_ITSELF = 'Nothing: it is tried again by itself.';

/** What a fault means to the person whose calendar it is. */
const WORDS: Readonly<Record<string, Words>> = {
  'access-expired': {
    reason: 'The access to this account has ended because it was not used for too long, or is too old. The last good state is shown.',
    nextStep: 'Connect again.',
  },
  'access-withdrawn': {
    reason: 'The access to this account was taken back at the calendar service. The last good state is shown.',
    nextStep: 'Connect again if these calendars are to be read here, or remove the connection.',
  },
  'access-policy': {
    reason: 'Your organisation asks for a new sign-in {often}, and the last one is too old. The last good state is shown.',
    nextStep: 'Connect again and sign in there. Your organisation decides how often this is asked.',
  },
  misconfigured: {
    reason: 'This service is not set up properly for the calendar service at the moment. The last good state is shown.',
    nextStep: 'Nothing: the operator of this service has to mend it, and then it is read again by itself.',
  },
  throttled: { reason: 'The calendar service asked us to slow down.', nextStep: BY_ITSELF },
  unavailable: { reason: 'The calendar service cannot be reached at the moment. The last good state is shown.', nextStep: BY_ITSELF },
  'calendar-gone': {
    reason: 'This calendar no longer exists in the account. The last good state is shown.',
    nextStep: 'If you deleted it there, hide it here; if it only moved, share it with this account again.',
  },
  forbidden: {
    reason: 'The account has no right to read this calendar. The last good state is shown.',
    nextStep: 'Check at the calendar service how the calendar is shared with this account.',
  },
  malformed: {
    reason: 'The calendar service answers in a way that makes no sense. The last good state is shown.',
    nextStep: 'Nothing at first: it is tried again by itself. If it lasts, ask the operator of the calendar service.',
  },
  'too-large': {
    reason: 'This calendar holds more entries than this service reads of one calendar. The last good state is shown.',
    nextStep: 'Divide it into several calendars, or ask the operator of this service to raise MOST_LISTED.',
  },
  'refused-address': {
    reason: 'The address of the calendar service is one this service does not call.',
    nextStep: 'Connect again with an https address on the public internet.',
  },
  elsewhere: {
    reason:
      'The calendar service has moved to another host, to which the stored password does not go by itself. The last good state is shown.',
    nextStep: 'Connect again with the address your calendar service has now.',
  },
  'oauth.pending': {
    reason: 'The sign-in at the calendar service came back in a browser that did not begin it. Nothing is connected yet.',
    nextStep: 'If it was you, confirm it within ten minutes of beginning, with the code that browser shows; else do nothing.',
  },
  'grant.shared': {
    reason:
      'Nothing more is read, and what was stored is deleted. The access at {name} goes on, because another connection here uses the same account.',
    nextStep:
      'Nothing: it is given back with the last of these connections. To end it for all of them, take it back in your account at {name}.',
  },
  'grant.left': {
    reason:
      'Nothing more is read, and what was stored is deleted. The access could not be given back at {name}, which did not answer in time.',
    nextStep: 'Take it back in your account at {name}.',
  },
  'mass-change-held': {
    reason: 'More than half of this calendar would disappear at once. It is kept as it was and read again in a minute.',
    nextStep: 'Nothing, or ask for a sync to confirm the change now.',
  },
  'calendar-set-aside': {
    reason: 'Something in this calendar cannot be shown by this version of the service. The last good state is shown.',
    nextStep:
      'Nothing: it is read whole again once a day, and you can ask for a full sync before. If that does not bring it back, a newer version of the service will.',
  },
  unforeseen: { reason: 'Reading failed several times for a reason on our side. The last good state is shown.', nextStep: BY_ITSELF },
  'set-aside': {
    reason: 'Reading failed again and again for a reason on our side. The last good state is shown.',
    nextStep: 'Nothing: it is tried again once a day, and by every new version. To have it tried now, ask for a sync.',
  },
};

const UNFORESEEN: Words = { reason: 'Something went wrong while reading. The last good state is shown.', nextStep: BY_ITSELF };

const oftenOf = (hours: number | null): string =>
  hours === null ? 'from time to time' : hours === 1 ? 'every hour' : `every ${hours} hours`;

/** `{name}`: what the product calls the kind of account; `{often}`: how often a new sign-in is asked for. */
const named = ({ reason, nextStep }: Words, name: string, hours: number | null): Words => ({
  reason: reason.replaceAll('{name}', name).replaceAll('{often}', oftenOf(hours)),
  nextStep: nextStep?.replaceAll('{name}', name) ?? null,
});

const wordsFor = (fault: string, provider: string, hours: number | null): Words => {
  const { name, words } = entryOf(provider);
  if (fault === 'access-revoked') return words.revoked;
  if (fault === 'oauth.password-needed' && words.signedIn !== undefined) return words.signedIn;
  if (fault === 'grant.owners' && words.left !== undefined) return words.left;
  return named(WORDS[fault] ?? UNFORESEEN, name, hours);
};

/**
 * Why, in plain words; by the fault's stable code. `provider` where it makes a difference; `hours`: after how many the owner's organisation asks for a new
 * sign-in, where that is the fault and is known.
 */
export const reasonFor = (fault: string | null, provider = '', hours: number | null = null): string | null =>
  fault === null ? null : wordsFor(fault, provider, hours).reason;

/** What its owner can do about it, in plain words. */
export const nextStepFor = (fault: string | null, provider = ''): string | null =>
  fault === null ? null : wordsFor(fault, provider, null).nextStep;

/** Whether an object with this fault was read and is shown, without the parts of it that make no sense. */
export const isRead = (fault: string | null): boolean => fault === null || fault.startsWith('component.');

/** Faults that mostly pass by themselves: while what is shown is fresh, they are not told. */
export const PASSING_FAULTS: readonly string[] = ['unavailable', 'throttled', 'malformed', 'refused-address', 'misconfigured'];

const OBJECTS: Readonly<Record<string, string>> = {
  'object.not-icalendar': 'what the server sends is no calendar entry',
  'object.bad-time': 'a date or time makes no sense',
  'object.bad-address': 'the server lists it under no address that it could be asked for by',
  'object.too-large': 'larger than any calendar entry should be',
  'object.server-error': 'the server failed to deliver; it is asked again',
  'object.not-delivered': 'the server lists but does not deliver; it is asked again',
  'recurrence.bad-rule': 'the rule of repetition is not understood',
  'recurrence.rule-too-long': 'the rule of repetition is not understood',
  'recurrence.too-costly': 'the rule of repetition is not understood',
  'recurrence.too-many': 'more repetitions than can be shown',
  'recurrence.bad-time': 'a date or time makes no sense',
  'component.bad-time': 'a date or time of one repetition makes no sense; the others are shown',
  'component.details-pending': 'the service has not told its details yet; the time is shown, and it is asked again',
  'component.unknown-zone': 'its time zone is not known; it is shown on the clock of the calendar’s own',
};

/** `3 events could not be read: a date or time makes no sense.` */
export const objectsUnread = (code: string, count: number): string => {
  const events = `${count} ${count === 1 ? 'event' : 'events'}`;
  if (code === 'recurrence.shortened')
    return `${events} ${count === 1 ? 'repeats' : 'repeat'} more often than can be shown: only what is nearest to today is.`;
  return `${events} could not be read${isRead(code) ? ' whole' : ''}: ${OBJECTS[code] ?? 'something unforeseen'}.`;
};
