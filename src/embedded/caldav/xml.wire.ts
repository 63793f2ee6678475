import { SaxesParser } from 'saxes';
import { nameOf } from './xml.js';

/** An element of a request's body, by the name `xml.ts` gives it. */
export type XmlElement = Readonly<{
  name: string;
  attributes: Readonly<Record<string, string>>;
  text: string;
  children: readonly XmlElement[];
}>;

type Open = { name: string; attributes: Record<string, string>; text: string; children: Open[] };

const DEEPEST = 16;

class NotXml extends Error {}

const fail = (): never => {
  throw new NotXml();
};

/** The document's root element; null when the body is not well-formed XML, declares a document type or is nested too deeply. */
export const readXml = (body: string): XmlElement | null => {
  const parser = new SaxesParser({ xmlns: true, position: false });
  const top: Open = { name: '', attributes: {}, text: '', children: [] };
  const open = [top];
  parser.on('error', fail);
  parser.on('doctype', fail);
  parser.on('opentag', ({ uri, local, attributes }) => {
    if (open.length > DEEPEST) fail();
    const named = Object.values(attributes).map((attribute) => [attribute.local, attribute.value] as const);
    const opened = { name: nameOf(uri, local), attributes: Object.fromEntries(named), text: '', children: [] };
    open.at(-1)?.children.push(opened);
    open.push(opened);
  });
  const onText = (text: string): void => {
    const current = open.at(-1);
    if (current !== undefined) current.text += text;
  };
  parser.on('text', onText);
  parser.on('cdata', onText);
  parser.on('closetag', () => void open.pop());
  try {
    parser.write(body).close();
  } catch (error) {
    if (error instanceof NotXml) return null;
    throw error;
  }
  return top.children[0] ?? null;
};

/** The first child of that name. */
export const childOf = (parent: XmlElement | null | undefined, name: string): XmlElement | null =>
  parent?.children.find((each) => each.name === name) ?? null;
