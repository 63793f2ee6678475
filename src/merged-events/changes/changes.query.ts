import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { type Actor } from '../../kernel/actor.js';
import { type Clock, CLOCK } from '../../kernel/clock.js';
import { DATABASE, type Database } from '../../kernel/sql.js';
import { writeChangeCursor } from './change-cursor.js';
import { type ChangePage, type ChangeView } from './changes.contract.js';
import { changedEvent, type ChangeRow } from './change-row.js';
import { admitChangeCursor, endOfChanges, readChanges } from './changes.sql.js';

/** What changed in the calendars of the person who asks; `after` is a cursor this feed gave, null asks where it ends. */
export class MyChanges extends Query<ChangePage> {
  constructor(
    readonly actor: Actor,
    readonly after: string | null,
    readonly limit: number,
  ) {
    super();
  }
}

/** How a connection stands is no change of events: who wants to hear of it listens to the stream. */
const viewsOf = (row: ChangeRow): readonly ChangeView[] =>
  row.calendar_id === null || row.change === 'connection-changed'
    ? []
    : [{ calendarId: row.calendar_id, change: row.change, event: changedEvent(row), at: row.at.toISOString() }];

@QueryHandler(MyChanges)
export class MyChangesHandler implements IQueryHandler<MyChanges> {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute({ actor: { userId }, after, limit }: MyChanges): Promise<ChangePage> {
    const now = this.clock.now();
    if (after === null) return { items: [], nextCursor: writeChangeCursor(await endOfChanges(this.database, now)), more: false };
    const cursor = await admitChangeCursor(this.database, after, now);
    const { rows, reached, more } = await readChanges(this.database, userId, cursor, limit, now);
    return { items: rows.flatMap(viewsOf), nextCursor: writeChangeCursor(reached), more };
  }
}
