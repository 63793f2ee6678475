import { type MigrationInterface, type QueryRunner } from 'typeorm';

const statements = `
-- Each version of a secret that is stored has a number that no other version ever had, whichever program stores it.
create sequence secret_version;
alter table vault add column version bigint not null default 0;
alter table vault alter column version set default nextval('secret_version');
create function number_version() returns trigger language plpgsql as $$
begin
  new.version := nextval('secret_version');
  return new;
end $$;
create trigger vault_version before update of sealed on vault for each row execute function number_version();

-- Who renews the grant of a connection: the process that holds the newest fence, until held_until. The row goes with the secret.
create table grant_renewal (
  connection_id uuid primary key,
  secret text generated always as ('secret:' || connection_id::text) stored references vault (name) on delete cascade,
  fence bigint not null default nextval('secret_version'),
  held_until timestamptz,
  renewed_at timestamptz
);
create index grant_renewal_secret on grant_renewal (secret);
`;

/** What renewing the tokens of accounts needs. Secrets that are stored already keep the version 0 until they are replaced. */
export class GrantRenewal1764210500000 implements MigrationInterface {
  readonly name = 'GrantRenewal1764210500000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(statements);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('restore the back-up made before this version instead'));
  }
}
