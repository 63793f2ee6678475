import { DAY } from '../../kernel/clock.js';
import { Refused } from '../../kernel/refused.js';

/**
 * How far a reader of the change feed has come: the position in the log, which of the changes there (they count from 1), and when it was told so
 * (milliseconds since the epoch).
 */
export type ChangeCursor = Readonly<{ position: bigint; part: number; at: number }>;

/** Changes older than the oldest cursor that is accepted are no longer kept. */
export const CURSOR_LIFE = 30 * DAY;

/** Rows are kept a day longer than cursors are good for: an event is recorded before anybody is told of it. */
export const CHANGES_KEPT_DAYS = 31;

/** After every change of a position. */
export const LAST_PART = 2 ** 31 - 1;

const CURSOR = /^(\d{1,19})[.](\d{1,10})[.](\d{1,15})$/;
const LARGEST_BIGINT = 2n ** 63n - 1n;

/** Opaque to clients; nothing personal is in it. */
export const writeChangeCursor = ({ position, part, at }: ChangeCursor): string => `${position}.${part}.${at}`;

/** The answer to a cursor after which changes may be missing. */
export const cursorExpired = (why: string): Refused =>
  new Refused('changes.cursor-expired', 410, `${why}: ask without \`after\`, and read /v1/calendar/events whole.`);

/** Throws `cursor.invalid`, or `changes.cursor-expired` (410) when changes after it may have been dropped. */
export const readChangeCursor = (text: string, now: number): ChangeCursor => {
  const [, position, part, at] = CURSOR.exec(text) ?? [];
  if (position === undefined || part === undefined || at === undefined || BigInt(position) > LARGEST_BIGINT || Number(part) > LAST_PART)
    throw new Refused('cursor.invalid', 400, 'This cursor is not one of this route: start again without it.');
  if (now - Number(at) > CURSOR_LIFE) throw cursorExpired('Changes are kept for 30 days and this cursor is older');
  return { position: BigInt(position), part: Number(part), at: Number(at) };
};
