import { type Clock, DAY, instant, SECOND } from '../../kernel/clock.js';
import { type Entropy } from '../../kernel/entropy.js';
import { uuidOf } from '../../kernel/mark-uuid.js';
import { Refused } from '../../kernel/refused.js';
import { type Sql } from '../../kernel/sql.js';
import { type Marker, type Sealer, type Vault } from '../../kernel/vault.js';

/** What a request was answered; headers are those a client may act on. */
export type KeptAnswer = Readonly<{ status: number; headers: Readonly<Record<string, string>>; body: unknown }>;

/** A request under an `Idempotency-Key` of its sender; `route` is method and path, `body` what was parsed of it. */
export type KeyedRequest = Readonly<{ userId: string; key: string; route: string; body: unknown }>;

/** The right to carry a keyed request out, held until one of the two is called. */
export type Attempt = Readonly<{
  /** The same for every attempt at the same request: commands recognise by it what an earlier attempt has done. */
  commandId: string;
  finish: (answer: KeptAnswer) => Promise<void>;
  /** `free`: it was refused and did nothing, so the key may be used for another request; else only the same request may try again. */
  giveUp: (free: boolean) => Promise<void>;
}>;

/**
 * Remembers keyed requests for a day (draft-ietf-httpapi-idempotency-key-header). Keys and requests are kept as marks, answers sealed under the
 * person's key: both may hold personal data.
 */
export type Idempotency = Readonly<{
  /** Throws `request.idempotency-mismatch` (422) for a key that another request used, `request.in-flight` (409) while the first is under way. */
  begin: (request: KeyedRequest) => Promise<Readonly<{ answer: KeptAnswer }> | Readonly<{ attempt: Attempt }>>;
}>;

/** DI token of the `Idempotency`. */
export const IDEMPOTENCY = Symbol('Idempotency');

const LIFE = DAY;
/** A killed process' requests can be tried again after this long; a living one renews its hold. */
const HOLD = 8 * SECOND;
const RENEWAL = 2 * SECOND;

/** Dated and compared by the database's clock alone, because processes' own clocks differ. */
const HELD = `clock_timestamp() + ${HOLD} * interval '1 millisecond'`;

type Runtime = Readonly<{ sql: Sql; vault: Pick<Vault, 'marker' | 'subject'>; clock: Clock; entropy: Entropy }>;
type Row = Readonly<{ fingerprint: string; answer: string | null }>;
type Marked = Readonly<{ userId: string; key: string; fingerprint: string; commandId: string }>;

const marked = (mark: Marker, { userId, key, route, body }: KeyedRequest): Marked => {
  const name = mark('idempotency-key', JSON.stringify([route, key]));
  const fingerprint = mark('idempotency-request', JSON.stringify([route, body ?? null]));
  return { userId, key: name, fingerprint, commandId: uuidOf(mark('idempotency-command', JSON.stringify([name, fingerprint]))) };
};

/** True when the request is this process' to carry out: it is new, or the process that had begun it released it or died. */
const claim = async ({ sql, clock }: Runtime, { userId, key, fingerprint }: Marked, holder: string): Promise<boolean> => {
  const now = clock.now();
  await sql.query('delete from idempotency where user_id = $1 and created_at < $2', [userId, instant(now - LIFE)]);
  const rows = await sql.query(
    `insert into idempotency (user_id, key, fingerprint, holder, held_until, created_at) values ($1, $2, $3, $4, ${HELD}, $5)
     on conflict (user_id, key) do update set holder = excluded.holder, held_until = excluded.held_until
       where idempotency.answer is null and idempotency.held_until < clock_timestamp() and idempotency.fingerprint = excluded.fingerprint
     returning 1`,
    [userId, key, fingerprint, holder, instant(now)],
  );
  return rows.length > 0;
};

const attemptAt = ({ sql }: Runtime, { userId, key, commandId }: Marked, holder: string, sealer: Sealer): Attempt => {
  const mine = 'user_id = $1 and key = $2 and holder = $3';
  const renewal = setInterval(() => {
    void sql
      .query(`update idempotency set held_until = ${HELD} where ${mine}`, [userId, key, holder])
      // A hold that cannot be renewed runs out, and the next repeat finds that.
      .catch(() => undefined);
  }, RENEWAL);
  return {
    commandId,
    finish: async (answer) => {
      clearInterval(renewal);
      const sealed = sealer.seal(`idempotency:${key}`, JSON.stringify(answer));
      await sql.query(`update idempotency set answer = $4 where ${mine}`, [userId, key, holder, sealed]);
    },
    giveUp: async (free) => {
      clearInterval(renewal);
      if (free) await sql.query(`delete from idempotency where ${mine}`, [userId, key, holder]);
      else await sql.query(`update idempotency set held_until = '-infinity' where ${mine}`, [userId, key, holder]);
    },
  };
};

const inFlight = (): Refused =>
  new Refused('request.in-flight', 409, 'The first request with this Idempotency-Key is still under way: ask again in a moment.', 1);

export const idempotency = (runtime: Runtime): Idempotency => ({
  begin: async (request) => {
    const { sql, vault, entropy } = runtime;
    const sealer = await vault.subject(request.userId);
    const kept = marked(await vault.marker(request.userId), request);
    const holder = entropy.uuid();
    if (await claim(runtime, kept, holder)) return { attempt: attemptAt(runtime, kept, holder, sealer) };
    const [row] = await sql.query<Row>('select fingerprint, answer from idempotency where user_id = $1 and key = $2', [
      kept.userId,
      kept.key,
    ]);
    // Gone between the two statements: refused, and free again.
    if (row === undefined) throw inFlight();
    if (row.fingerprint !== kept.fingerprint)
      throw new Refused('request.idempotency-mismatch', 422, 'This Idempotency-Key was used for another request: make a new one.');
    if (row.answer === null) throw inFlight();
    return { answer: JSON.parse(sealer.open(`idempotency:${kept.key}`, row.answer)) as KeptAnswer };
  },
});
