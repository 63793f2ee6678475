import { type HttpResponse } from './guarded.http.js';

/** The whole body of an answer. */
export const textOf = async ({ body }: Pick<HttpResponse, 'body'>): Promise<string> => {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
};

/** A text as JSON; undefined for what is none. */
export const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
