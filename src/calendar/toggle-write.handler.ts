import { Inject } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { CLOCK, type Clock, instant } from '../kernel/clock.js';
import { handle } from '../kernel/commands.js';
import { ENTROPY, type Entropy } from '../kernel/entropy.js';
import { EVENT_STORE, type EventStore } from '../kernel/event-store.js';
import { Refused } from '../kernel/refused.js';
import { DATABASE, type Database } from '../kernel/sql.js';
import { calendar } from './calendar.js';
import { calendarCodec } from './calendar.codec.js';
import { ToggleWrite, type Toggled } from './calendar.commands.js';

@CommandHandler(ToggleWrite)
export class ToggleWriteHandler implements ICommandHandler<ToggleWrite> {
  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(ENTROPY) private readonly entropy: Entropy,
  ) {}

  async execute({ actor: { userId }, calendarId, mode, ifMatch, correlationId }: ToggleWrite): Promise<Toggled> {
    // The calendar's own stream does not hear of a revoked connection; its row is gone with it.
    const rows = await this.database.query(`select 1 from calendars where calendar_id = $1 and user_id = $2 and status = 'adopted'`, [
      calendarId,
      userId,
    ]);
    if (rows.length === 0) throw new Refused('calendar.unknown', 404, 'There is no such calendar.');
    const metadata = { commandId: this.entropy.uuid(), correlationId, causationId: correlationId, actor: userId };
    const command = { type: 'ToggleWrite', mode, at: instant(this.clock.now()) } as const;
    return handle(this.store, calendar, calendarCodec, { id: calendarId, command, metadata, ifMatch });
  }
}
