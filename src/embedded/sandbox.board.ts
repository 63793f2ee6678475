import { z } from 'zod';
import { type SandboxAnswer, type SandboxRequest } from './exchange.js';

/** An answer of a sandbox about itself. */
export const json = (status: number, content: unknown): SandboxAnswer => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: `${JSON.stringify(content, null, 2)}\n`,
});

export const empty = (status: number): SandboxAnswer => ({ status, headers: {}, body: '' });

export const problem = (status: number, code: string, detail: string): SandboxAnswer => ({
  ...json(status, { type: 'about:blank', status, code, detail }),
  headers: { 'content-type': 'application/problem+json; charset=utf-8' },
});

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

/** Answers an order in JSON, or says under a code why it is none. */
export const ordered = <T>(
  { header, body }: Pick<SandboxRequest, 'header' | 'body'>,
  schema: z.ZodType<T>,
  code: string,
  carryOut: (order: T) => SandboxAnswer,
): SandboxAnswer => {
  // A page in a browser cannot send this type here without being allowed to first.
  if (!/^application\/json\b/i.test(header('content-type') ?? '')) return problem(415, 'sandbox.not-json', 'Send application/json.');
  const order = schema.safeParse(parsed(body));
  return order.success ? carryOut(order.data) : problem(422, code, z.prettifyError(order.error));
};

/** What answers at `/sandbox/faults`: the list, a new one, none any more. */
export const faultsAnswer = <F>(
  request: Pick<SandboxRequest, 'method' | 'header' | 'body'>,
  schema: z.ZodType<F>,
  { list, add, clear }: Readonly<{ list: () => readonly F[]; add: (fault: F) => void; clear: () => void }>,
): SandboxAnswer => {
  if (request.method === 'GET') return json(200, list());
  if (request.method === 'DELETE') {
    clear();
    return empty(204);
  }
  if (request.method !== 'POST') return empty(405);
  return ordered(request, schema, 'sandbox.no-such-fault', (fault) => {
    add(fault);
    return json(201, list());
  });
};
