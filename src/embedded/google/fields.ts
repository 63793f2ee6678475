import { type Json } from '../json.js';

/** A partial answer (guide "Performance tips"): names, `a/b`, `a(b,c)`, `*`. Null: the text is none. */
type Mask = Readonly<{ [field: string]: Mask | 'all' }>;

type Parsed = Readonly<{ mask: Mask; rest: string }>;

const merged = (mask: Mask, name: string, part: Mask | 'all'): Mask => {
  const known = mask[name];
  if (known === undefined || known === 'all' || part === 'all') return { ...mask, [name]: known === 'all' ? 'all' : part };
  return { ...mask, [name]: Object.entries(part).reduce((sum, [field, each]) => merged(sum, field, each), known) };
};

const partAt = (text: string): Readonly<{ part: Mask | 'all'; rest: string }> | null => {
  if (text.startsWith('(')) {
    const inner = listAt(text.slice(1));
    return inner?.rest.startsWith(')') === true ? { part: inner.mask, rest: inner.rest.slice(1) } : null;
  }
  if (!text.startsWith('/')) return { part: 'all', rest: text };
  const [, name = '', after = ''] = /^\/([A-Za-z0-9_*-]+)(.*)$/s.exec(text) ?? [];
  const deeper = name === '' ? null : partAt(after);
  return deeper === null ? null : { part: { [name]: deeper.part }, rest: deeper.rest };
};

function listAt(text: string): Parsed | null {
  let [mask, rest]: [Mask, string] = [{}, text];
  for (;;) {
    const [, name = '', after = ''] = /^\s*([A-Za-z0-9_*-]+)(.*)$/s.exec(rest) ?? [];
    const found = name === '' ? null : partAt(after);
    if (found === null) return null;
    mask = merged(mask, name, found.part);
    rest = found.rest.trimStart();
    if (!rest.startsWith(',')) return { mask, rest };
    rest = rest.slice(1);
  }
}

const masked = (value: unknown, mask: Mask | 'all'): unknown => {
  if (mask === 'all' || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => masked(each, mask));
  return Object.fromEntries(
    Object.entries(value).flatMap(([field, each]) => {
      const part = mask[field] ?? mask['*'];
      return part === undefined ? [] : [[field, masked(each, part)]];
    }),
  );
};

/** What `fields` leaves of an answer; null when it is no such text. */
export const onlyFields = (content: Json, fields: string): Json | null => {
  const parsed = listAt(fields);
  return parsed === null || parsed.rest !== '' ? null : (masked(content, parsed.mask) as Json);
};
