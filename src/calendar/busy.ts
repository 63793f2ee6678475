import { type Attendee, type Busy, type Status } from './calendar-object.js';

/** Everything a provider may say that decides whether an event takes up its owner's time. Null where it says nothing. */
export type BusySigns = Readonly<{
  status: Status;
  /** TRANSP:TRANSPARENT, Google `transparency: transparent`. */
  transparent: boolean;
  /** The owner's own answer; null when not invited. */
  response: Attendee['response'] | null;
  /** Google `eventType`: `workingLocation` and `birthday` say where or what, not that time is taken. Others are meetings. */
  eventType: string | null;
  /** Graph `showAs` or X-MICROSOFT-CDO-BUSYSTATUS, in any case. */
  showAs: string | null;
}>;

const FREE_TYPES: readonly (string | null)[] = ['workingLocation', 'birthday'];

/** Outlook counts working elsewhere as available (Graph `availabilityView`: "0 = free or working elsewhere"). */
const FREE_SHOWN: readonly (string | undefined)[] = ['free', 'workingelsewhere'];

/**
 * The one busy rule (design section 6), as the provider tells it: a mark of free wins, then an unanswered invitation, then a mark of tentative;
 * the rest is busy. What its owner chose comes on top of it (`countedAs`).
 */
export const busyOf = ({ status, transparent, response, eventType, showAs }: BusySigns): Busy => {
  const shown = showAs?.toLowerCase();
  if (status === 'cancelled' || transparent || response === 'declined') return 'free';
  if (FREE_TYPES.includes(eventType) || FREE_SHOWN.includes(shown)) return 'free';
  if (response === 'needs-action') return 'needs-action';
  if (status === 'tentative' || response === 'tentative' || shown === 'tentative') return 'tentative';
  return 'busy';
};

/** How an event counts for its owner: focus time takes up none unless they want it to. What the provider marks as free stays free. */
export const countedAs = (
  busy: Busy,
  { isFocusTime, focusTimeIsBusy }: Readonly<{ isFocusTime: boolean; focusTimeIsBusy: boolean }>,
): Busy => (isFocusTime && !focusTimeIsBusy ? 'free' : busy);

/** What takes up time when somebody looks for a free slot: tentative and unanswered things too, unless their owner chose otherwise. */
export const timeTaking = (tentativeIsBusy: boolean): readonly Busy[] =>
  tentativeIsBusy ? ['busy', 'tentative', 'needs-action'] : ['busy'];
