import { type Json } from '../json.js';
import { type Content } from './answers.js';
import { type GraphCall } from './world.js';

const isEvent = (row: unknown): row is Json => typeof row === 'object' && row !== null && 'start' in row;

/** Spoils the first event of a page, as the faults that are switched on say. */
export const withOddRows = ({ take }: Pick<GraphCall, 'take'>, content: Content): Content => {
  const rows: unknown = content.content?.['value'];
  if (!Array.isArray(rows)) return content;
  const index = rows.findIndex(isEvent);
  if (index === -1) return content;
  const row = rows[index] as Json;
  const { id, ...nameless } = take('nameless-rows') === null ? row : { ...row, id: undefined };
  const times = take('senseless-times') === null ? {} : { start: { dateTime: 'soon', timeZone: 'UTC' } };
  const odd: Json = { ...(id === undefined ? {} : { id }), ...nameless, ...times };
  return { ...content, content: { ...content.content, value: rows.with(index, odd) as readonly Json[] } };
};
