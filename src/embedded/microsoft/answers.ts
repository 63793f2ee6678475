import { type Json } from '../json.js';

/** What Graph refuses with: `error.code` and `error.message` (reference "Microsoft Graph error responses"). */
export type Refused = Readonly<{ status: number; code: string; message: string; headers?: Readonly<Record<string, string>> }>;

/** Thrown where a request is understood to be refused. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  constructor(readonly refused: Refused) {
    super(`refused with ${refused.status}`);
  }
}

export const refuse = (status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}): never => {
  throw new Refusal({ status, code, message, headers });
};

/** What an operation answers when it is not refused. `content`: null for an answer without a body. */
export type Content = Readonly<{ status: number; content: Json | null; headers?: Readonly<Record<string, string>> }>;

export const ok = (content: Json): Content => ({ status: 200, content });

export const NOTHING: Content = { status: 204, content: null };

export const itemNotFound = (): never => refuse(404, 'ErrorItemNotFound', 'The specified object was not found in the store.');

export const badQuery = (message: string): never => refuse(400, 'ErrorInvalidUrlQuery', message);

export const accessDenied = (): never => refuse(403, 'ErrorAccessDenied', 'Access is denied. Check credentials and try again.');
