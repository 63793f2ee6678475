import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { type Actor } from '../kernel/actor.js';
import { Refused } from '../kernel/refused.js';
import { DATABASE, type Database } from '../kernel/sql.js';
import { type SyncView } from './sync.contract.js';
import { progressOf, SYNC_RUN_SQL, type SyncRunRow } from './progress.js';

/** How a manual sync of the person who asks is getting on. */
export class OneSync extends Query<SyncView> {
  constructor(
    readonly actor: Actor,
    readonly syncId: string,
  ) {
    super();
  }
}

@QueryHandler(OneSync)
export class OneSyncHandler implements IQueryHandler<OneSync> {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async execute({ actor: { userId }, syncId }: OneSync): Promise<SyncView> {
    const rows = await this.database.query<SyncRunRow>(SYNC_RUN_SQL, [userId, syncId, null]);
    if (rows.length === 0) throw new Refused('sync.unknown', 404, 'There is no such sync.');
    return progressOf(syncId, rows);
  }
}
