import { DAY } from '../kernel/clock.js';

/** `hours`: after how many the owner's organisation asks for a new sign-in, where that is the fault and its service says so. */
export type ReportFault = Readonly<{ type: 'ReportFault'; fault: string; needsReconnect: boolean; hours: number | null; at: string }>;

/** `notice`: its owner is to be told by a message, beside what they see when they look. */
export type ConnectionFailing = Readonly<{
  type: 'ConnectionFailing';
  userId: string;
  fault: string;
  needsReconnect: boolean;
  hours: number | null;
  notice: boolean;
  at: string;
}>;

/**
 * How a live connection stands. `policyToldAt`: when its owner was last to be told that their organisation asks for a new sign-in, RFC 3339 in UTC.
 */
export type Standing = Readonly<{
  status: 'connected' | 'failing' | 'needs_reconnect';
  userId: string;
  fault: string | null;
  policyToldAt: string | null;
}>;

const POLICY = 'access-policy';

/** An organisation may ask for a sign-in each day: a message about it comes at most so often. */
const NOTICE_PAUSE = 7 * DAY;

/** What is told of a fault that is not known yet. */
export const failing = ({ userId, policyToldAt }: Standing, { fault, needsReconnect, hours, at }: ReportFault): ConnectionFailing => {
  const notice = fault !== POLICY || policyToldAt === null || Date.parse(at) - Date.parse(policyToldAt) >= NOTICE_PAUSE;
  return { type: 'ConnectionFailing', userId, fault, needsReconnect, hours, notice, at };
};

export const failed = ({ policyToldAt }: Standing, { fault, needsReconnect, notice, at }: ConnectionFailing) =>
  ({
    status: needsReconnect ? 'needs_reconnect' : 'failing',
    fault,
    policyToldAt: notice && fault === POLICY ? at : policyToldAt,
  }) as const;
