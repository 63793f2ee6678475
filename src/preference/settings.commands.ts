import { Command } from '@nestjs/cqrs';
import { type Actor } from '../kernel/actor.js';
import { type SettingsChange } from './settings.contract.js';

/** How far the read models of calendars and of preferences must be to show what was changed; null: as they are. */
export type Changed = Readonly<{ calendars: bigint | null; preferences: bigint | null }>;

/** Changes what a person chose for their calendars and for themselves. `ifMatch`: the entity tag they saw; null when any will do. */
export class ChangeSettings extends Command<Changed> {
  constructor(
    readonly actor: Actor,
    readonly change: SettingsChange,
    readonly ifMatch: string | null,
    readonly correlationId: string,
  ) {
    super();
  }
}
