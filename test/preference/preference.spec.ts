import { describe, it } from '@jest/globals';
import { preference, type PreferenceEvent } from '../../src/preference/preference.js';
import { given } from '../support/spec.js';

const at = '2026-11-22T10:00:00.000Z';
const set = (change: Partial<PreferenceEvent> = {}): PreferenceEvent => ({
  type: 'CalendarPreferenceSet',
  userId: 'ada',
  timeZone: null,
  tentativeIsBusy: true,
  focusTimeIsBusy: true,
  externalChanges: 'accept',
  sealed: null,
  at,
  ...change,
});
const choose = (change: Partial<PreferenceEvent>) =>
  ({ type: 'SetCalendarPreference', userId: 'ada', change, restate: false, at }) as const;

describe('SetCalendarPreference', () => {
  it('keeps what is not named', () => {
    given(preference)
      .when(choose({ timeZone: 'Europe/Paris' }))
      .then(set({ timeZone: 'Europe/Paris' }));
    given(preference, set({ timeZone: 'Europe/Paris', sealed: 'hours' }))
      .when(choose({ tentativeIsBusy: false }))
      .then(set({ timeZone: 'Europe/Paris', sealed: 'hours', tentativeIsBusy: false }));
    given(preference, set({ focusTimeIsBusy: false }))
      .when(choose({ timeZone: 'Europe/Paris' }))
      .then(set({ focusTimeIsBusy: false, timeZone: 'Europe/Paris' }));
  });

  it('says that focus time is to take up no time', () => {
    given(preference)
      .when(choose({ focusTimeIsBusy: false }))
      .then(set({ focusTimeIsBusy: false }));
  });

  it('takes back a zone or working hours', () => {
    given(preference, set({ timeZone: 'Europe/Paris', sealed: 'hours' }))
      .when(choose({ timeZone: null, sealed: null }))
      .then(set());
  });

  it('says the same again when it is asked to', () => {
    given(preference, set({ externalChanges: 'ask' }))
      .when({ ...choose({}), restate: true })
      .then(set({ externalChanges: 'ask' }));
  });

  it('says nothing when nothing changes', () => {
    given(preference)
      .when(choose({ timeZone: null, tentativeIsBusy: true, focusTimeIsBusy: true, externalChanges: 'accept', sealed: null }))
      .then();
    given(preference, set({ externalChanges: 'ask' }))
      .when(choose({ externalChanges: 'ask' }))
      .then();
  });

  it.each(['Europe/Atlantis', '+01:00', 'Paris', ''])('refuses %j, which is no IANA zone', (timeZone) => {
    given(preference).when(choose({ timeZone })).refused('preference.unknown-zone');
  });
});
