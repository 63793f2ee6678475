import { createHash } from 'node:crypto';
import { type Actor, ROLES_OF_PEOPLE } from '../../kernel/actor.js';
import { type Clock, instant, MINUTE } from '../../kernel/clock.js';
import { type Entropy } from '../../kernel/entropy.js';
import { Refused } from '../../kernel/refused.js';
import { named, type Sql } from '../../kernel/sql.js';

/** Who was let in by a ticket, and until when the token lasts that it was asked for with (milliseconds since the epoch). */
export type Admitted = Readonly<{ actor: Actor; until: number }>;

/**
 * Stand-ins for a bearer token where none can be sent: good for one minute and one request, in any process. Only their hashes are stored.
 */
export type Tickets = Readonly<{
  issue: (actor: Actor, until: number) => Promise<Readonly<{ ticket: string; expiresAt: number }>>;
  /** Throws `auth.ticket-invalid` when it is unknown, used or too old. */
  redeem: (ticket: string) => Promise<Admitted>;
}>;

/** DI token of the `Tickets`. */
export const TICKETS = Symbol('Tickets');

const LIFE = MINUTE;

const hashOf = (ticket: string): string => createHash('sha256').update(ticket).digest('base64url');

type Row = Readonly<{ user_id: string; roles: readonly string[]; teams: readonly string[]; until: Date; fresh: boolean }>;

export const tickets = (sql: Sql, clock: Clock, entropy: Entropy): Tickets => ({
  issue: async ({ userId, roles, teams }, until) => {
    const ticket = `${entropy.uuid()}${entropy.uuid()}`.replaceAll('-', '');
    const now = clock.now();
    await sql.query('delete from stream_ticket where expires_at < $1', [instant(now)]);
    await sql.query(
      ...named(
        'insert into stream_ticket (hash, user_id, roles, teams, until, expires_at) values (:hash, :userId, :roles, :teams, :until, :expiresAt)',
        { hash: hashOf(ticket), userId, roles, teams, until: instant(until), expiresAt: instant(now + LIFE) },
      ),
    );
    return { ticket, expiresAt: now + LIFE };
  },
  redeem: async (ticket) => {
    // Deleting is what makes it good for one request, whichever process gets there first.
    const [row] = await sql.query<Row>(
      'delete from stream_ticket where hash = $1 returning user_id, roles, teams, until, expires_at > $2 as fresh',
      [hashOf(ticket), instant(clock.now())],
    );
    if (row?.fresh !== true)
      throw new Refused('auth.ticket-invalid', 401, 'This ticket is unknown, used or older than a minute: ask for another one.');
    const roles = ROLES_OF_PEOPLE.filter((role) => row.roles.includes(role));
    return { actor: { userId: row.user_id, roles, teams: row.teams }, until: row.until.getTime() };
  },
});
