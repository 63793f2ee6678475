import { Command } from '@nestjs/cqrs';
import { type Actor } from '../kernel/actor.js';
import { type Mode } from './calendar.js';

/** How far the read models must be to show what a command wrote (null: as they are), and where its stream stands. */
export type Toggled = Readonly<{ position: bigint | null; revision: bigint }>;

/** Lets Juy write to a calendar, or stops it. */
export class ToggleWrite extends Command<Toggled> {
  constructor(
    readonly actor: Actor,
    readonly calendarId: string,
    readonly mode: Mode,
    readonly ifMatch: bigint | null,
    readonly correlationId: string,
  ) {
    super();
  }
}

/** Which calendars of a person are meant: one, those of a connection, or all. */
export type Scope = Readonly<{ connectionId: string | null; calendarId: string | null }>;

/** Reads calendars now; `full` reads them whole. Answers the id under which progress is told. */
export class SyncNow extends Command<Readonly<{ syncId: string }>> {
  constructor(
    readonly actor: Actor,
    readonly scope: Scope,
    readonly full: boolean,
  ) {
    super();
  }
}
