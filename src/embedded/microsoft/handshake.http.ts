import { SECOND } from '../../kernel/clock.js';

/** How long an address may take to answer. */
const PATIENCE = 10 * SECOND;

/** Whether an address takes notifications: it answers a token that it is sent as plain text, and as it is. */
export const isValidated = async (address: string, requestId: string): Promise<boolean> => {
  const token = `Validation: Testing client application reachability for subscription Request-Id: ${requestId}`;
  const url = new URL(address);
  url.searchParams.set('validationToken', token);
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE),
    });
    const text = await answer.text();
    return answer.status === 200 && /^text\/plain\b/i.test(answer.headers.get('content-type') ?? '') && text === token;
  } catch {
    return false;
  }
};
