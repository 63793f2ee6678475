import { type Fault } from '../calendar-provider.js';

/** What Graph refuses a request with: its status, `error.code` as written ('' when there is none), and its message, to tell refusals apart; never logged. */
export type Refusal = Readonly<{ status: number; code: string; message: string }>;

/** `isPassing`: the same request may succeed a little later. */
export type Judged = Readonly<{ fault: Fault; detail: string; isPassing: boolean }>;

const judged = (fault: Fault, detail: string, isPassing = false): Judged => ({ fault, detail, isPassing });

/** Codes of a delta token that Outlook does not know any more; they come with 410, and with 400 and 404 too. */
const FORGOTTEN = ['syncstatenotfound', 'syncstateinvalid', 'resyncrequired', 'fullsyncrequired'];

/** The account has no mailbox in Exchange Online, or it is not open to programs. */
const NO_MAILBOX = ['mailboxnotenabledforrestapi', 'mailboxnotsupportedforrestapi', 'errornonexistentmailbox'];

/**
 * What a refusal means. `isDelta`: the request reads on from a token that Graph gave. 401 is the caller's, which renews the grant first. 412 comes even
 * to readings and passes (`ErrorIrresolvableConflict`).
 */
export const judge = ({ status, code }: Refusal, isDelta: boolean): Judged => {
  const named = code.toLowerCase();
  if (status === 401) return judged('access-revoked', 'Microsoft does not accept the access token');
  if (NO_MAILBOX.includes(named)) return judged('forbidden', 'the account has no mailbox at Microsoft 365 that holds calendars');
  if (isDelta && (status === 410 || FORGOTTEN.includes(named)))
    return judged('cursor-expired', 'Outlook has forgotten the place to read on from');
  if (status === 403) return judged('forbidden', 'the account may not read this');
  if (status === 404 || status === 410) return judged('calendar-gone', 'the calendar is not there any more');
  if (status === 429) return judged('throttled', 'Microsoft says it is asked too often', true);
  if (status === 408 || status === 409 || status === 412 || status >= 500)
    return judged('unavailable', `Microsoft answers ${status}`, true);
  return judged('malformed', `Microsoft answers ${status} to a request it should know`);
};
