import { decodeJwt } from 'jose';
import { type Actor } from '../../kernel/actor.js';
import { type Clock, MINUTE } from '../../kernel/clock.js';
import { type Tokens } from './tokens.jose.js';

/** How long a key that its issuer has withdrawn may still be believed, for tokens that were seen before. */
const REMEMBERED = MINUTE;
const MOST = 10_000;

/**
 * Remembers for a minute, and never past its expiry, whom a token speaks for: a frontend sends the same one with every request, and checking a
 * signature costs as much as reading a page. What is refused is not remembered.
 */
export const rememberedTokens = <T extends Tokens>(tokens: T, clock: Clock): T => {
  const known = new Map<string, Readonly<{ actor: Actor; until: number }>>();
  return {
    ...tokens,
    verify: async (token) => {
      const now = clock.now();
      const seen = known.get(token);
      if (seen !== undefined && now < seen.until) return seen.actor;
      known.delete(token);
      const actor = await tokens.verify(token);
      const expiry = (decodeJwt(token).exp ?? 0) * 1_000;
      if (known.size >= MOST) known.clear();
      known.set(token, { actor, until: Math.min(now + REMEMBERED, expiry) });
      return actor;
    },
  };
};
