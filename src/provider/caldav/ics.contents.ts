import { type Attendee, type Contents, type Person } from '../../calendar/calendar-object.js';
import { type Properties, type Property, textOf } from '../ics.property.js';
import { oneLine, plainText } from '../plain-text.js';

/** Who is invited, with what only the raw line tells: whether an answer was written down. */
export type Invited = Attendee & Readonly<{ answered: boolean }>;

const RESPONSES: Readonly<Record<string, Attendee['response']>> = {
  ACCEPTED: 'accepted',
  DECLINED: 'declined',
  TENTATIVE: 'tentative',
  // Who sends somebody else does not come.
  DELEGATED: 'declined',
};

/** The address of a `mailto:`, else the EMAIL parameter, which servers add when they name people by a path or a UUID. */
const emailOf = ({ value, params }: Property): string | null => {
  const address = /^mailto:/i.test(value) ? value.slice(7) : params['email'];
  return address === undefined ? null : plainText(address);
};

const personOf = (property: Property): Person => ({ name: plainText(property.params['cn'] ?? ''), email: emailOf(property) });

const attendeeOf = (property: Property, own: ReadonlySet<string>): Invited => {
  const { name, email } = personOf(property);
  const response = property.params['partstat']?.toUpperCase();
  return {
    name,
    email,
    response: RESPONSES[response ?? ''] ?? 'needs-action',
    self: own.has(email?.toLowerCase() ?? '') || own.has(property.value.trim().toLowerCase()),
    answered: response !== undefined,
  };
};

/** Attendees of a component; `ownAddresses` are e-mails or calendar user addresses of the account, in any case. */
export const invitedOf = (properties: Properties, ownAddresses: ReadonlySet<string>): readonly Invited[] =>
  properties.all('attendee').map((property) => attendeeOf(property, ownAddresses));

/** The owner's answer; null when not invited, or when the invitation is the owner's own and says nothing about an answer. */
export const ownResponse = (properties: Properties, invited: readonly Invited[]): Attendee['response'] | null => {
  const self = invited.find((each) => each.self);
  if (self === undefined) return null;
  const organizer = properties.first('organizer');
  const own = organizer !== null && self.email !== null && emailOf(organizer)?.toLowerCase() === self.email.toLowerCase();
  return own && !self.answered ? null : self.response;
};

/** The personal part of a component. */
export const contentsOf = (properties: Properties, invited: readonly Invited[]): Contents => {
  const organizer = properties.first('organizer');
  return {
    title: oneLine(textOf(properties.first('summary'))),
    location: textOf(properties.first('location')),
    description: textOf(properties.first('description')),
    organizer: organizer === null ? null : personOf(organizer),
    attendees: invited.map(({ name, email, response, self }) => ({ name, email, response, self })),
    url: oneLine(textOf(properties.first('url'))),
    uid: textOf(properties.first('uid')),
  };
};
