import { type SandboxAnswer } from '../exchange.js';
import { type Json } from '../json.js';

export type GoogleAnswer = SandboxAnswer;

const JSON_TYPE = { 'content-type': 'application/json; charset=UTF-8', vary: 'Origin, X-Origin, Referer' };

export const answered = (content: Json, headers: Readonly<Record<string, string>> = {}): GoogleAnswer => ({
  status: 200,
  headers: { ...JSON_TYPE, 'cache-control': 'private, max-age=0, must-revalidate, no-transform', ...headers },
  body: JSON.stringify(content, null, 1),
});

export const NO_CONTENT: GoogleAnswer = { status: 204, headers: {}, body: '' };

/** What stands between, a proxy or a portal, answers with success. */
export const HTML_PAGE: GoogleAnswer = {
  status: 200,
  headers: { 'content-type': 'text/html; charset=UTF-8' },
  body: '<!doctype html><title>Sign in to the network</title>',
};

/** Why a request is refused, as Google's error answers say it (guide "Handle API errors"). */
export type ErrorReason = Readonly<{
  domain?: string;
  reason: string;
  message: string;
  location?: Readonly<{ type: 'parameter' | 'header'; name: string }>;
  /** Members of `error` beside `code`, `message` and `errors`. */
  rest?: Json;
}>;

/** Thrown where a request is understood to be refused; carries the answer. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  constructor(readonly answer: GoogleAnswer) {
    super(`refused with ${answer.status}`);
  }
}

export const errorAnswer = (status: number, error: ErrorReason, headers: Readonly<Record<string, string>> = {}): GoogleAnswer => {
  const { domain = 'global', reason, message, location, rest = {} } = error;
  const where = location === undefined ? {} : { locationType: location.type, location: location.name };
  return {
    status,
    headers: { ...JSON_TYPE, ...headers },
    body: JSON.stringify({ error: { errors: [{ domain, reason, message, ...where }], code: status, message, ...rest } }, null, 1),
  };
};

export const refuse = (status: number, error: ErrorReason, headers: Readonly<Record<string, string>> = {}): never => {
  throw new Refusal(errorAnswer(status, error, headers));
};

export const notFound = (): never => refuse(404, { reason: 'notFound', message: 'Not Found' });

/** A parameter that makes no sense. */
export const invalid = (parameter: string, message = 'Invalid Value'): never =>
  refuse(400, { reason: 'invalid', message, location: { type: 'parameter', name: parameter } });

/** The token endpoint's errors (RFC 6749 5.2). */
export const oauthError = (status: number, error: string, description: string, rest: Json = {}): GoogleAnswer => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-cache, no-store, max-age=0, must-revalidate' },
  body: JSON.stringify({ error, error_description: description, ...rest }, null, 2),
});
