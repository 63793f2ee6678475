import { describe, expect, it } from '@jest/globals';
import { PROJECTIONS } from '../../src/app/projections.js';
import { shownIn } from '../../src/preference/shown-in.js';

describe('A change of settings', () => {
  it('shows in what lists calendars when it is about a mode or a privacy, and not in the merged calendar', () => {
    expect(shownIn(['WriteToggled', 'PrivacySet'], false)).toEqual(['preferences', 'calendars']);
  });

  it('shows in the merged calendar when a calendar is shown or hidden, or when what is held is placed again', () => {
    expect(shownIn(['VisibilitySet'], false)).toEqual(['preferences', 'calendars', 'user_calendar_events']);
    expect(shownIn([], true)).toEqual(['preferences', 'user_calendar_events']);
  });

  it('shows in the schedule of syncs when a calendar is adopted', () => {
    expect(shownIn(['CalendarAdopted', 'VisibilitySet'], false)).toContain('schedule');
  });

  it('is shown by the person’s own stream when it changes nothing of a calendar', () => {
    expect(shownIn([], false)).toEqual(['preferences']);
  });

  it('names read models that there are', () => {
    const names = PROJECTIONS.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...shownIn(['CalendarAdopted', 'VisibilitySet', 'WriteToggled', 'PrivacySet'], true)]));
  });
});
