import { Command } from '@nestjs/cqrs';
import { type Actor } from '../kernel/actor.js';

/** Which calendars of a person are meant: one, those of a connection, or all. */
export type Scope = Readonly<{ connectionId: string | null; calendarId: string | null }>;

/** Reads calendars now; `full` reads them whole. Answers the id under which progress is told, the command's own. */
export class SyncNow extends Command<Readonly<{ syncId: string }>> {
  constructor(
    readonly actor: Actor,
    readonly scope: Scope,
    readonly full: boolean,
    readonly commandId: string,
  ) {
    super();
  }
}
