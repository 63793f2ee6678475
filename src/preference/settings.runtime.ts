import { type CalendarEvent } from '../calendar/calendar.js';
import { type Clock } from '../kernel/clock.js';
import { type Entropy } from '../kernel/entropy.js';
import { type Codec, type EventStore } from '../kernel/event-store.js';
import { type Database } from '../kernel/sql.js';
import { type Vault } from '../kernel/vault.js';

/** What reading and changing settings works with. */
export type SettingsRuntime = Readonly<{
  store: EventStore;
  database: Database;
  vault: Vault;
  clock: Clock;
  entropy: Entropy;
  /** Owned by the calendar slice; a calendar's settings are facts on its own stream. */
  calendarCodec: Codec<CalendarEvent>;
}>;

/** DI token of the `SettingsRuntime`. */
export const SETTINGS_RUNTIME = Symbol('SettingsRuntime');
