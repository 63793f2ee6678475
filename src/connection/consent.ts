import { Refused } from '../kernel/refused.js';

/** The text people agree to when they connect; a changed text takes a new version. */
export const CONSENT_TEXT_VERSION = '2026-11';

/** Throws `consent.required` (422): without consent not even the account is looked at. */
export const refuseWithoutConsent = (consented: boolean): void => {
  if (!consented)
    throw new Refused(
      'consent.required',
      422,
      'Calendars are read only with the consent of the person they belong to: send "consent": true.',
    );
};
