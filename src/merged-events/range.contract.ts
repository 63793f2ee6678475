import { z } from 'zod';

// Shapes that the document tells and a route checks by itself, with words of its own; each is what JSON Schema calls a pattern.
export const DAY = '([0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])';
const TIME = '([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?(Z|[+ -]([01][0-9]|2[0-3]):[0-5][0-9])';
const MOMENT = `${DAY}(T${TIME})?`;

/** ISO 8601 interval, as `rangeOf` reads it. */
export const RangeText = z
  .string()
  .max(100)
  .meta({
    description:
      'ISO 8601 interval `start/end` of two days there are, or times with their offset; it ends after it starts and spans at most 400 days.',
    example: '2026-03-01/2026-04-01',
    pattern: `^${MOMENT}/${MOMENT}$`,
  });
