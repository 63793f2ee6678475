import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Read models: occurrences, changes, placement. */
const mergedEvents = ``;

/** Checkpoints and what a projection sets aside. */
const projections = ``;

/** Zone rules. */
const zoneRules = ``;

/** What a sync remembers of objects and cursors. */
const sync = ``;

/** Connections, the vault and its tombstones. */
const connections = ``;

/** Queues of due work. */
const queues = ``;

/** The log store and its scavenges. */
const log = ``;

/** What changed in the tables since the first release. */
export class Mend1764150000000 implements MigrationInterface {
  readonly name = 'Mend1764150000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const part of [mergedEvents, projections, zoneRules, sync, connections, queues, log])
      if (part.trim() !== '') await runner.query(part);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('restore the back-up made before this version instead'));
  }
}
