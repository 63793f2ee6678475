import { Inject } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { calendar, type CalendarCommand, DEFAULT_PRIVACY } from '../calendar/calendar.js';
import { metadataOf } from '../kernel/cause.js';
import { instant } from '../kernel/clock.js';
import { decideOn, settle } from '../kernel/commands.js';
import { type Written } from '../kernel/projection.js';
import { type Standing } from '../kernel/event-store.js';
import { Refused } from '../kernel/refused.js';
import { preference, type CalendarPreference, preferenceObject } from './preference.js';
import { preferenceCodec } from './preference.codec.js';
import { ChangeSettings } from './settings.commands.js';
import { type SettingsChange } from './settings.contract.js';
import { type CalendarRow, calendarRows, type Chosen, settingsTag } from './settings.rows.js';
import { SETTINGS_RUNTIME, type SettingsRuntime } from './settings.runtime.js';
import { ordered, type WorkingHours } from './working-hours.js';

type CalendarChange = NonNullable<SettingsChange['calendars']>[number];

/** What one calendar's stream is told, in one append. */
type CalendarOrder = Readonly<{ calendarId: string; commands: readonly CalendarCommand[] }>;

const stale = (): Refused => new Refused('request.stale', 412, 'Somebody changed this meanwhile. Read it again and repeat.');

/** A calendar that is only listed is adopted by showing it, and can be given nothing else before. */
const adoption = (row: CalendarRow, userId: string, { mode, privacy, visible }: CalendarChange, at: string): readonly CalendarCommand[] => {
  if (row.status === 'adopted') return [];
  if (visible === true) {
    const { connection_id: connectionId, provider, writable, busy_only: busyOnly, color, time_zone: timeZone, sealed } = row;
    return [{ type: 'AdoptCalendar', connectionId, userId, provider, writable, busyOnly, color, timeZone, sealed, at }];
  }
  if ((mode ?? 'read_only') !== 'read_only' || (privacy ?? DEFAULT_PRIVACY) !== DEFAULT_PRIVACY)
    throw new Refused('calendar.not-shown', 409, 'This calendar is not synced yet: show it first, with "visible": true.');
  return [];
};

const orderFor = (rows: readonly CalendarRow[], userId: string, change: CalendarChange, at: string): CalendarOrder => {
  const { calendarId, mode, privacy, visible } = change;
  const row = rows.find(({ calendar_id }) => calendar_id === calendarId);
  if (row === undefined) throw new Refused('calendar.unknown', 404, 'There is no such calendar.');
  const adopting = adoption(row, userId, change, at);
  if (row.status === 'listed' && adopting.length === 0) return { calendarId, commands: [] };
  const commands: CalendarCommand[] = [...adopting];
  if (visible !== undefined) commands.push({ type: 'ShowCalendar', visible, at });
  if (mode !== undefined) commands.push({ type: 'ToggleWrite', mode, at });
  if (privacy !== undefined) commands.push({ type: 'SetPrivacy', privacy, at });
  return { calendarId, commands };
};

/**
 * Changes settings on as many streams as they name, each written at the revision it was read at. Everything is decided before anything is written,
 * so that a refusal leaves all as it was; only the death of an engine between two appends leaves a part, and repeating the request does the rest.
 *
 * All changes of a person meet in the person's own stream, which each of them writes first, also when it is about calendars alone: of two that saw
 * the same tag, the second is refused also when it changes something else.
 */
@CommandHandler(ChangeSettings)
export class ChangeSettingsHandler implements ICommandHandler<ChangeSettings> {
  constructor(@Inject(SETTINGS_RUNTIME) private readonly runtime: SettingsRuntime) {}

  async execute({ actor: { userId }, change, ifMatch, cause }: ChangeSettings): Promise<Written> {
    const { store, database, calendarCodec, clock, entropy } = this.runtime;
    const at = instant(clock.now());
    const metadata = () => metadataOf(cause, entropy.uuid());
    const preferred = await this.preferred(userId, change);
    const rows = await calendarRows(database, userId);
    const revision = ifMatch === null ? null : await this.revisionSeen(userId, rows, ifMatch);
    const decisions = [];
    for (const { calendarId: id, commands } of (change.calendars ?? []).map((each) => orderFor(rows, userId, each, at)))
      decisions.push(await decideOn(store, calendar, calendarCodec, { id, commands, metadata: metadata(), ifMatch: null }));
    const restate = decisions.some(({ events }) => events.length > 0);
    const choice = { type: 'SetCalendarPreference', userId, change: preferred, restate, at } as const;
    const ownOrders = { id: userId, commands: [choice], metadata: metadata(), ifMatch: revision };
    const own = await decideOn(store, preference, preferenceCodec, ownOrders);
    const preferences = (await settle(store, preference, preferenceCodec, own)).position;
    let calendars: bigint | null = null;
    for (const decision of decisions) calendars = (await settle(store, calendar, calendarCodec, decision)).position ?? calendars;
    return { calendar: calendars, preference: preferences };
  }

  /** What the request says of the person themselves, the hours sealed; hours that are what they were keep their bytes. */
  private async preferred(userId: string, change: SettingsChange): Promise<Partial<CalendarPreference>> {
    const { timeZone, tentativeIsBusy, externalChanges, workingHours } = change;
    return {
      ...(timeZone === undefined ? {} : { timeZone }),
      ...(tentativeIsBusy === undefined ? {} : { tentativeIsBusy }),
      ...(externalChanges === undefined ? {} : { externalChanges }),
      ...(workingHours === undefined ? {} : { sealed: workingHours === null ? null : await this.sealedHours(userId, workingHours) }),
    };
  }

  private async sealedHours(userId: string, workingHours: WorkingHours): Promise<string> {
    const { sealed } = (await this.preferenceNow(userId)).state;
    const sealer = await this.runtime.vault.subject(userId);
    const clear = JSON.stringify({ workingHours: ordered(workingHours) });
    if (sealed !== null && sealer.open(preferenceObject(userId), sealed) === clear) return sealed;
    return sealer.seal(preferenceObject(userId), clear);
  }

  private preferenceNow(userId: string): Promise<Standing<CalendarPreference>> {
    return this.runtime.store.stateOf(preference, preferenceCodec, userId);
  }

  /** Where the person's own stream stands under a tag; throws `request.stale` when the tag is of other settings. */
  private async revisionSeen(userId: string, rows: readonly CalendarRow[], ifMatch: string): Promise<bigint> {
    const { revision } = await this.preferenceNow(userId);
    if (ifMatch !== (await this.tagNow(rows, revision))) throw stale();
    return revision;
  }

  /** Of the streams, not of the rows, which may be a moment behind a change that was answered already. */
  private async tagNow(rows: readonly CalendarRow[], revision: bigint): Promise<string> {
    const chosen: Chosen[] = [];
    for (const { calendar_id: calendarId, mode, privacy, visible } of rows) {
      const { state } = await this.runtime.store.stateOf(calendar, this.runtime.calendarCodec, calendarId);
      const listed = { calendarId, adopted: false, mode, privacy, visible };
      chosen.push(state.status === 'none' ? listed : { ...state, calendarId, adopted: true });
    }
    return settingsTag(chosen, revision);
  }
}
