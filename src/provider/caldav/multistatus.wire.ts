import { SaxesParser } from 'saxes';
import { ProviderFault } from '../calendar-provider.js';
import { textIn } from '../http/text.stream.js';

/** An XML element; `name` has the prefix this project gives its namespace (`d:href`), also when the server uses another prefix. */
export type Element = Readonly<{ name: string; attributes: Readonly<Record<string, string>>; text: string; children: readonly Element[] }>;

/** One `response` of a multistatus (RFC 4918 14.24). */
export type Row = Readonly<{
  href: string;
  /** Status of the row as a whole, when it has one. */
  status: number | null;
  /** What was found, by property name. Properties under a status other than 2xx are not among them. */
  properties: ReadonlyMap<string, Element>;
  /** The highest failing status among the row's properties; null when all were found. */
  failed: number | null;
}>;

const PREFIXES: Readonly<Record<string, string>> = {
  'DAV:': 'd',
  'urn:ietf:params:xml:ns:caldav': 'c',
  'http://calendarserver.org/ns/': 'cs',
  'http://apple.com/ns/ical/': 'ical',
};

const MAX_DEPTH = 32;
const MAX_ATTRIBUTES = 100;

/** Within one child of the root: a row with more costs more room than it can be worth. */
const MAX_ELEMENTS = 50_000;

const malformed = (why: string): ProviderFault => new ProviderFault('malformed', why);

const refuse = ({ message }: Error): void => {
  if (!HARMLESS.test(message)) throw malformed('the answer is no well-formed XML');
};

/** Something of which so much is taken until it is renewed. */
const budget = (most: number, why: string): Readonly<{ spend: () => void; renew: () => void }> => {
  let spent = 0;
  return {
    spend: () => {
      if ((spent += 1) > most) throw malformed(why);
    },
    renew: () => {
      spent = 0;
    },
  };
};

type Open = { name: string; attributes: Element['attributes']; text: string; children: Element[] };

/**
 * What servers get wrong without harm: a blank line before the declaration, and control characters or `]]>` that came with
 * somebody's text. To refuse the answer for it would hide every other event in it.
 */
const HARMLESS = /disallowed character\.|malformed character entity|"\]\]>" is disallowed|XML declaration must/;

/**
 * Feeds text to a parser that hands over each child of the root as it closes and keeps none: answers of any size are read in little
 * memory. Only the five entities of XML itself are known: what a document type defines is refused where it is used, so nothing expands.
 *
 * Six handlers and no more: the parser keeps them as properties of its own, and with a seventh V8 makes it a dictionary, which takes five
 * times as long for every character.
 */
const topLevel = (onElement: (root: string, element: Element) => void): Readonly<{ write: (text: string) => void; end: () => string }> => {
  const parser = new SaxesParser({ xmlns: true, position: false });
  const open: Open[] = [];
  let root: string | null = null;
  parser.on('error', refuse);
  const attributes = budget(MAX_ATTRIBUTES, 'the answer has too many attributes');
  const elements = budget(MAX_ELEMENTS, 'a part of the answer has too many elements');
  // Refused while they are still being read: an element is handed over only with all of its attributes.
  parser.on('attribute', attributes.spend);
  parser.on('opentag', ({ uri, local, attributes: own }) => {
    attributes.renew();
    elements.spend();
    if (open.length === MAX_DEPTH) throw malformed('the answer is nested too deeply');
    const name = `${PREFIXES[uri] ?? 'other'}:${local}`;
    root ??= name;
    open.push({ name, attributes: namedAttributes(own), text: '', children: [] });
  });
  const onText = (text: string): void => {
    const element = open.at(-1);
    if (element !== undefined) element.text += text;
  };
  parser.on('text', onText);
  parser.on('cdata', onText);
  parser.on('closetag', () => {
    const element = open.pop();
    const parent = open.at(-1);
    if (element === undefined || parent === undefined) return;
    if (open.length > 1) return void parent.children.push(element);
    elements.renew();
    onElement(parent.name, element);
  });
  return {
    write: (text) => void parser.write(text),
    end: () => {
      parser.close();
      if (root === null) throw malformed('the answer is empty');
      return root;
    },
  };
};

const NO_ATTRIBUTES: Readonly<Record<string, string>> = {};

/** Most elements have none. */
const namedAttributes = (attributes: Readonly<Record<string, Readonly<{ local: string; value: string }>>>): Element['attributes'] => {
  const all = Object.values(attributes);
  return all.length === 0 ? NO_ATTRIBUTES : Object.fromEntries(all.map(({ local, value }) => [local, value]));
};

export const child = (element: Element | undefined, name: string): Element | undefined =>
  element?.children.find((candidate) => candidate.name === name);

const statusOf = (element: Element): number | null => {
  const line = child(element, 'd:status');
  const code = /^\s*HTTP\/\S+\s+(\d{3})/.exec(line?.text ?? '')?.[1];
  return code === undefined ? null : Number(code);
};

const succeeded = (status: number | null): boolean => status === null || (status >= 200 && status < 300);

/** A row may name several hrefs that share a status; one that names none is a row all the same. */
const rowsOf = (response: Element): readonly Row[] => {
  const properties = new Map<string, Element>();
  let failed: number | null = null;
  for (const part of response.children.filter(({ name }) => name === 'd:propstat')) {
    const status = statusOf(part);
    if (succeeded(status)) for (const found of child(part, 'd:prop')?.children ?? []) properties.set(found.name, found);
    else failed = Math.max(failed ?? 0, status ?? 0);
  }
  const status = statusOf(response);
  const hrefs = response.children.filter(({ name }) => name === 'd:href').map(({ text }) => text.trim());
  return (hrefs.length === 0 ? [''] : hrefs).map((href) => ({ href, status, properties, failed }));
};

/**
 * Reads a multistatus row by row and answers its sync token, null when it has none. An answer that is not a whole, well-formed multistatus
 * throws `malformed`: half an answer must never pass for a short one. `charset` is what the answer's `content-type` says; `ready` is awaited
 * before each next piece of it.
 */
export const readMultistatus = async (
  body: AsyncIterable<Uint8Array>,
  onRow: (row: Row) => void,
  charset: string | null = null,
  ready?: () => Promise<void>,
): Promise<string | null> => {
  const tokens: string[] = [];
  const reader = topLevel((root, element) => {
    if (root !== 'd:multistatus') throw malformed('the answer is no multistatus');
    if (element.name === 'd:response') rowsOf(element).forEach(onRow);
    if (element.name === 'd:sync-token' && element.text.trim() !== '') tokens.push(element.text.trim());
  });
  for await (const text of textIn(body, charset)) {
    await ready?.();
    reader.write(text);
  }
  if (reader.end() !== 'd:multistatus') throw malformed('the answer is no multistatus');
  return tokens.at(-1) ?? null;
};

const MAX_ERROR_CHARACTERS = 64 * 1024;

/** Names of the conditions a refusal states (RFC 4918 16), `d:valid-sync-token`; none when its body is anything else. */
export const readConditions = async (body: AsyncIterable<Uint8Array>, charset: string | null = null): Promise<readonly string[]> => {
  const conditions: string[] = [];
  const reader = topLevel((root, element) => {
    if (root === 'd:error') conditions.push(element.name);
  });
  let characters = 0;
  try {
    for await (const text of textIn(body, charset)) {
      characters += text.length;
      if (characters > MAX_ERROR_CHARACTERS) throw malformed('the refusal is too long');
      reader.write(text);
    }
    reader.end();
  } catch (error) {
    if (error instanceof ProviderFault && error.fault === 'malformed') return [];
    throw error;
  }
  return conditions;
};

/** Text of a found property, null when it is absent or empty. */
export const textOf = (row: Row, property: string): string | null => {
  const text = row.properties.get(property)?.text.trim() ?? '';
  return text === '' ? null : text;
};

/** The `d:href`s within a found property, `current-user-principal` and the like. */
export const hrefsOf = (row: Row, property: string): readonly string[] =>
  (row.properties.get(property)?.children ?? []).filter(({ name }) => name === 'd:href').map(({ text }) => text.trim());
