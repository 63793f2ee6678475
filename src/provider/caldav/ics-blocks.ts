import { UnreadableObject } from '../unreadable-object.js';

/** A component as text: its unfolded content lines, and the components inside it. */
export type Block = Readonly<{ name: string; lines: readonly string[]; blocks: readonly Block[] }>;

type OpenBlock = { name: string; lines: string[]; blocks: OpenBlock[] };

const LARGEST = 2 ** 20;
const MOST_BLOCKS = 5_000;
const DEEPEST = 8;

const open = (line: string, parents: OpenBlock[], opened: number): void => {
  if (opened > MOST_BLOCKS || parents.length > DEEPEST) throw new UnreadableObject('object.too-large');
  const block = { name: line.slice(6).trim().toUpperCase(), lines: [], blocks: [] };
  parents.at(-1)?.blocks.push(block);
  parents.push(block);
};

/** What no database stores as text: NUL, and halves of characters, which XML can name (`&#xD800;`). */
const NO_TEXT = /[\u0000\p{Surrogate}]/gu;

/** Content lines, with any kind of line end; white space and byte order marks before the first are no part of it. */
const unfolded = (text: string): readonly string[] => {
  const clean = text.replace(NO_TEXT, '');
  const lines = clean.includes('\r') ? clean.replace(/(?<!\r)\r+\n/g, '\n').replaceAll('\r', '\n') : clean;
  return lines
    .replace(/^[\s\uFEFF]+/, '')
    .replace(/\n[ \t]/g, '')
    .split('\n');
};

/**
 * Components of an iCalendar text (RFC 5545 3.1, 3.4); lines are unfolded and not read further. Throws
 * `UnreadableObject` when they do not nest, and for more than a mebibyte of text or 5,000 components.
 */
export const blocksOf = (text: string): readonly Block[] => {
  if (text.length > LARGEST) throw new UnreadableObject('object.too-large');
  const root: OpenBlock = { name: '', lines: [], blocks: [] };
  const parents = [root];
  let opened = 0;
  for (const line of unfolded(text)) {
    if (/^BEGIN:/i.test(line)) open(line, parents, (opened += 1));
    else if (/^END:/i.test(line)) {
      if (parents.length < 2 || parents.pop()?.name !== line.slice(4).trim().toUpperCase())
        throw new UnreadableObject('object.not-icalendar');
    } else if (line !== '') parents.at(-1)?.lines.push(line);
  }
  if (parents.length !== 1 || root.lines.some((line) => line.trim() !== '')) throw new UnreadableObject('object.not-icalendar');
  return root.blocks;
};
