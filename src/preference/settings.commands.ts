import { Command } from '@nestjs/cqrs';
import { type Actor } from '../kernel/actor.js';
import { type Cause } from '../kernel/cause.js';
import { type Written } from '../kernel/projection.js';
import { type SettingsChange } from './settings.contract.js';

/**
 * What a change of settings wrote, and the names of the read models that it shows in. `placesAgain`: the days of the person are at other times now, or
 * focus time counts otherwise, which shows once what is held has been placed again.
 */
export type ChangedSettings = Readonly<{ written: Written; shownIn: readonly string[]; placesAgain: boolean }>;

/**
 * Changes what a person chose for their calendars and for themselves, and answers what it wrote. `ifMatch`: the entity tag they saw; null when
 * any will do.
 */
export class ChangeSettings extends Command<ChangedSettings> {
  constructor(
    readonly actor: Actor,
    readonly change: SettingsChange,
    readonly ifMatch: string | null,
    readonly cause: Cause,
  ) {
    super();
  }
}
