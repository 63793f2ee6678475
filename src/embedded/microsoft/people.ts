import { type Content, ok } from './answers.js';
import { type GraphCall } from './world.js';

const hex = (text: string, salt: number): string => {
  let hash = (0x811c9dc5 ^ salt) >>> 0;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, '0');
};

/** The object id of an account: a GUID, the same always. */
export const objectIdOf = (email: string): string => {
  const digits = [1, 2, 3, 4].map((salt) => hex(email, salt)).join('');
  return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5');
};

/** `GET /me`. */
export const getMe = ({ world, person }: GraphCall): Content => {
  const [givenName = '', surname = ''] = person.fullName.split(' ');
  return ok({
    '@odata.context': `${world.origin()}/v1.0/$metadata#users/$entity`,
    businessPhones: [],
    displayName: person.fullName,
    givenName,
    jobTitle: null,
    mail: person.email,
    mobilePhone: null,
    officeLocation: null,
    preferredLanguage: null,
    surname,
    userPrincipalName: person.email,
    id: objectIdOf(person.email),
  });
};

/** `GET /me/mailboxSettings`. */
export const getSettings = ({ world, person, path }: GraphCall): Content => {
  const context = `${world.origin()}/v1.0/$metadata#users('${encodeURIComponent(person.email)}')/mailboxSettings`;
  if (path.toLowerCase().endsWith('/timezone')) return ok({ '@odata.context': `${context}/timeZone`, value: person.timeZone });
  return ok({
    '@odata.context': context,
    archiveFolder: null,
    timeZone: person.timeZone,
    delegateMeetingMessageDeliveryOptions: 'sendToDelegateOnly',
    dateFormat: 'yyyy-MM-dd',
    timeFormat: 'HH:mm',
    userPurpose: 'user',
    language: { locale: 'en-US', displayName: 'English (United States)' },
    workingHours: {
      daysOfWeek: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'],
      startTime: '08:00:00.0000000',
      endTime: '17:00:00.0000000',
      timeZone: { name: person.timeZone },
    },
  });
};
