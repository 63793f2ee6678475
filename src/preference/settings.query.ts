import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { type Actor } from '../kernel/actor.js';
import { DATABASE, type Database } from '../kernel/sql.js';
import { sealersOf, VAULT, type Vault } from '../kernel/vault.js';
import { preferenceObject } from './preference.js';
import { type SettingsView } from './settings.contract.js';
import { calendarRows, preferenceOf, settingsTag } from './settings.rows.js';

/** Somebody's settings, and their entity tag. */
export type SeenSettings = Readonly<{ view: SettingsView; tag: string }>;

/** The settings of the person who asks. */
export class MySettings extends Query<SeenSettings> {
  constructor(readonly actor: Actor) {
    super();
  }
}

@QueryHandler(MySettings)
export class MySettingsHandler implements IQueryHandler<MySettings> {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(VAULT) private readonly vault: Vault,
  ) {}

  async execute({ actor: { userId } }: MySettings): Promise<SeenSettings> {
    const rows = await calendarRows(this.database, userId);
    const { preference, revision } = await preferenceOf(this.database, userId);
    const connectionIds = rows.map(({ connection_id }) => connection_id);
    const sealers = await sealersOf(this.vault, userId, connectionIds);
    const calendars = rows.flatMap((row) => {
      const opened = sealers.get(row.connection_id)?.open(`calendar:${row.calendar_id}`, row.sealed);
      if (opened === undefined) return [];
      const { name } = JSON.parse(opened) as { name: string };
      const { calendar_id: calendarId, connection_id: connectionId, provider, mode, privacy, visible, writable } = row;
      return [{ calendarId, connectionId, provider, name, mode, privacy, visible, writable, adopted: row.status === 'adopted' }];
    });
    const { timeZone, tentativeIsBusy, focusTimeIsBusy, externalChanges, sealed } = preference;
    const workingHours = await this.hoursIn(userId, sealed);
    const view = { calendars, timeZone, workingHours, tentativeIsBusy, focusTimeIsBusy, externalChanges };
    return { view, tag: settingsTag(calendars, revision) };
  }

  private async hoursIn(userId: string, sealed: string | null): Promise<SettingsView['workingHours']> {
    if (sealed === null) return null;
    const sealer = await this.vault.subject(userId);
    return (JSON.parse(sealer.open(preferenceObject(userId), sealed)) as Pick<SettingsView, 'workingHours'>).workingHours;
  }
}
