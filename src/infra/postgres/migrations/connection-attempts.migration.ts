import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * Attempts to connect an account through its vendor's pages. Of the state and of what ties an attempt to a browser only hashes are kept; `sealed`
 * (verifier, addresses) and `answer` (what the vendor said, while it waits for its user) open with the person's key.
 */
export class ConnectionAttempts1764211000000 implements MigrationInterface {
  readonly name = 'ConnectionAttempts1764211000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table connection_attempt (
      attempt_id uuid primary key,
      connection_id uuid not null,
      user_id text not null,
      provider text not null,
      purpose text not null check (purpose in ('connect', 'reconnect', 'widen')),
      access text not null check (access in ('read', 'write')),
      consent_version text,
      consented_at timestamptz,
      state_hash text not null unique,
      browser_hash text not null,
      origin text,
      sealed text not null,
      status text not null check (status in ('open', 'waiting', 'used')),
      answer text,
      confirm_hash text,
      failure text,
      expires_at timestamptz not null
    )`);
    await runner.query('create index connection_attempt_user on connection_attempt (user_id)');
    await runner.query('create index connection_attempt_connection on connection_attempt (connection_id)');
    await runner.query('create index connection_attempt_expiry on connection_attempt (expires_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table connection_attempt');
  }
}
