import { createHash, timingSafeEqual } from 'node:crypto';
import { instant } from '../kernel/clock.js';
import { named, type Database, type Sql } from '../kernel/sql.js';
import { type Sealer, type Vault } from '../kernel/vault.js';
import { type ProviderName } from '../provider/names.js';
import { type Identified } from '../provider/identity.js';
import { type Attempt, ATTEMPT_LIFE, type AttemptStatus, MOST_ATTEMPTS, PASSWORD_LIFE, type Purpose } from './attempt.js';
import { type Access } from './connection.js';

/** What only the person's key opens of an attempt. */
export type Hidden = Readonly<{ verifier: string; redirectUri: string; returnTo: string | null }>;

/** An attempt as it is begun. `state`, `browser`: in clear, and kept as hashes. */
export type NewAttempt = Omit<Attempt, 'status' | 'expiresAt' | 'takenAt' | 'failure'> &
  Readonly<{ state: string; browser: string }> &
  Hidden;

/** A kept attempt. `answer`: sealed, what the vendor said, while it waits. */
export type KeptAttempt = Attempt & Readonly<{ browserHash: string; sealed: string; answer: string | null; confirmHash: string | null }>;

type Row = Readonly<{
  attempt_id: string;
  connection_id: string;
  user_id: string;
  provider: ProviderName;
  purpose: Purpose;
  access: Access;
  consent_version: string | null;
  consented_at: Date | null;
  browser_hash: string;
  sealed: string;
  status: AttemptStatus;
  answer: string | null;
  confirm_hash: string | null;
  failure: string | null;
  taken_at: Date | null;
  expires_at: Date;
}>;

const keptOf = (row: Row): KeptAttempt => ({
  attemptId: row.attempt_id,
  connectionId: row.connection_id,
  userId: row.user_id,
  provider: row.provider,
  purpose: row.purpose,
  access: row.access,
  status: row.status,
  expiresAt: row.expires_at.getTime(),
  takenAt: row.taken_at?.getTime() ?? null,
  failure: row.failure,
  consent:
    row.consent_version === null || row.consented_at === null
      ? null
      : { textVersion: row.consent_version, givenAt: row.consented_at.toISOString() },
  browserHash: row.browser_hash,
  sealed: row.sealed,
  answer: row.answer,
  confirmHash: row.confirm_hash,
});

export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

/** Whether a secret is the one a hash was made of, in a time that says nothing of how much of it is right. */
export const isHashOf = (secret: string | null, hash: string | null): boolean =>
  secret !== null && hash !== null && timingSafeEqual(Buffer.from(hashOf(secret)), Buffer.from(hash));

const object = (attemptId: string): string => `attempt:${attemptId}`;
const answerObject = (attemptId: string): string => `attempt-answer:${attemptId}`;

const INSERT = `insert into connection_attempt (attempt_id, connection_id, user_id, provider, purpose, access, consent_version, consented_at,
    state_hash, browser_hash, sealed, status, expires_at)
  values (:attemptId, :connectionId, :userId, :provider, :purpose, :access, :consentVersion, :consentedAt,
    :stateHash, :browserHash, :sealed, 'open', :expiresAt)
  on conflict (attempt_id) do update set state_hash = excluded.state_hash, browser_hash = excluded.browser_hash,
    sealed = excluded.sealed, expires_at = excluded.expires_at
    where connection_attempt.status = 'open' and connection_attempt.user_id = excluded.user_id
  returning 1`;

const insertion = (attempt: NewAttempt, sealer: Sealer, now: number) => {
  const { attemptId, connectionId, userId, provider, purpose, access, consent, verifier, redirectUri, returnTo } = attempt;
  return named(INSERT, {
    ...{ attemptId, connectionId, userId, provider, purpose, access },
    consentVersion: consent?.textVersion ?? null,
    consentedAt: consent?.givenAt ?? null,
    stateHash: hashOf(attempt.state),
    browserHash: hashOf(attempt.browser),
    sealed: sealer.seal(object(attemptId), JSON.stringify({ verifier, redirectUri, returnTo })),
    expiresAt: instant(now + ATTEMPT_LIFE),
  });
};

/**
 * Keeps an attempt, unless the person has begun too many (`many`), or the attempt was taken already (`over`). One that is begun again takes the new
 * state and the new browser: the old redirect is of no use any more.
 */
export const keepAttempt = (
  database: Database,
  sealer: Sealer,
  attempt: NewAttempt,
  now: number,
): Promise<'kept' | 'over' | Readonly<{ manyUntil: number }>> =>
  database.transaction(async (sql) => {
    // Requests that come at once are counted one after the other.
    await sql.query('select pg_advisory_xact_lock(hashtextextended($1, 490))', [`attempts of ${attempt.userId}`]);
    const others = await sql.query<{ expires_at: Date }>(
      'select expires_at from connection_attempt where user_id = $1 and attempt_id <> $2 and expires_at > $3 order by expires_at',
      [attempt.userId, attempt.attemptId, instant(now)],
    );
    const oldest = others.length < MOST_ATTEMPTS ? undefined : others[0];
    if (oldest !== undefined) return { manyUntil: oldest.expires_at.getTime() };
    return (await sql.query(...insertion(attempt, sealer, now))).length > 0 ? 'kept' : 'over';
  });

/** The attempt that a state belongs to; null when there is none, or no more. */
export const attemptOf = async (sql: Sql, state: string, provider: string): Promise<KeptAttempt | null> => {
  const rows = await sql.query<Row>('select * from connection_attempt where state_hash = $1 and provider = $2', [hashOf(state), provider]);
  return rows[0] === undefined ? null : keptOf(rows[0]);
};

/** The last attempt of a person for a connection that is not over. */
export const attemptFor = async (sql: Sql, userId: string, connectionId: string, now: number): Promise<KeptAttempt | null> => {
  const rows = await sql.query<Row>(
    `select * from connection_attempt where user_id = $1 and connection_id = $2 and failure is null and expires_at > $3
     order by status in ('waiting', 'signed-in') desc, expires_at desc limit 1`,
    [userId, connectionId, instant(now)],
  );
  return rows[0] === undefined ? null : keptOf(rows[0]);
};

/** The attempt that a connection of a person comes from, also one that is over; null where it is forgotten. */
export const attemptToConnect = async (sql: Sql, userId: string, connectionId: string): Promise<KeptAttempt | null> => {
  const rows = await sql.query<Row>(`select * from connection_attempt where user_id = $1 and attempt_id = $2 and purpose = 'connect'`, [
    userId,
    connectionId,
  ]);
  return rows[0] === undefined ? null : keptOf(rows[0]);
};

/** Takes an attempt, which makes its state worthless. False: another request has taken it, or its time is over. */
export const takeAttempt = async (sql: Sql, { attemptId, status }: KeptAttempt, now: number): Promise<boolean> => {
  const rows = await sql.query(
    `update connection_attempt set status = 'used', answer = null, taken_at = $3 where attempt_id = $1 and status = $2 and expires_at > $3 returning 1`,
    [attemptId, status, instant(now)],
  );
  return rows.length > 0;
};

/** What the vendor said, and the code by which its user shows that it came to a browser of theirs. */
export type Waiting = Readonly<{ parameters: URLSearchParams; confirm: string }>;

/** Lets an attempt wait for its user's confirmation. False: another request has taken it, or its time is over. */
export const letWait = async (sql: Sql, sealer: Sealer, attempt: KeptAttempt, waiting: Waiting, now: number): Promise<boolean> => {
  const { attemptId } = attempt;
  const answer = sealer.seal(answerObject(attemptId), waiting.parameters.toString());
  const rows = await sql.query(
    ...named(
      `update connection_attempt set status = 'waiting', answer = :answer, confirm_hash = :confirmHash
       where attempt_id = :attemptId and status = 'open' and expires_at > :now returning 1`,
      { answer, confirmHash: hashOf(waiting.confirm), attemptId, now: instant(now) },
    ),
  );
  return rows.length > 0;
};

/** Keeps who signed in with an attempt that was taken, until the password comes. */
export const awaitPassword = async (
  sql: Sql,
  sealer: Sealer,
  { attemptId }: KeptAttempt,
  identified: Identified,
  now: number,
): Promise<void> => {
  const answer = sealer.seal(answerObject(attemptId), JSON.stringify(identified));
  await sql.query(
    `update connection_attempt set status = 'signed-in', answer = $2, taken_at = null, expires_at = $3 where attempt_id = $1 and status = 'used'`,
    [attemptId, answer, instant(now + PASSWORD_LIFE)],
  );
};

/** The attempt of this id that awaits a password; null when there is none, or its time is over. */
export const signedInAttempt = async (sql: Sql, attemptId: string, now: number): Promise<KeptAttempt | null> => {
  const rows = await sql.query<Row>(`select * from connection_attempt where attempt_id = $1 and status = 'signed-in' and expires_at > $2`, [
    attemptId,
    instant(now),
  ]);
  return rows[0] === undefined ? null : keptOf(rows[0]);
};

export const recordFailure = async (sql: Sql, attemptId: string, code: string): Promise<void> => {
  await sql.query('update connection_attempt set failure = $2 where attempt_id = $1', [attemptId, code]);
};

export const hiddenIn = async (vault: Pick<Vault, 'subject'>, { userId, attemptId, sealed }: KeptAttempt): Promise<Hidden> =>
  JSON.parse((await vault.subject(userId)).open(object(attemptId), sealed)) as Hidden;

/** What the vendor said, while it waits for its user; null where nothing waits. */
export const answerIn = async (
  vault: Pick<Vault, 'subject'>,
  { userId, attemptId, status, answer }: KeptAttempt,
): Promise<URLSearchParams | null> =>
  status !== 'waiting' || answer === null ? null : new URLSearchParams((await vault.subject(userId)).open(answerObject(attemptId), answer));

/** Who signed in, while the password is awaited. */
export const identifiedIn = async (
  vault: Pick<Vault, 'subject'>,
  { userId, attemptId, status, answer }: KeptAttempt,
): Promise<Identified | null> =>
  status !== 'signed-in' || answer === null
    ? null
    : (JSON.parse((await vault.subject(userId)).open(answerObject(attemptId), answer)) as Identified);
