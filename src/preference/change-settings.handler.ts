import { Inject } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { CALENDAR_CHOICES, type CalendarChoices } from '../calendar/choose.js';
import { metadataOf } from '../kernel/cause.js';
import { type Clock, CLOCK, instant } from '../kernel/clock.js';
import { decideOn, settle } from '../kernel/commands.js';
import { ENTROPY, type Entropy } from '../kernel/entropy.js';
import { EVENT_STORE, type EventStore, type Standing } from '../kernel/event-store.js';
import { inTurn } from '../kernel/in-turn.js';
import { Refused } from '../kernel/refused.js';
import { VAULT, type Vault } from '../kernel/vault.js';
import { preference, type CalendarPreference, preferenceObject } from './preference.js';
import { preferenceCodec } from './preference.codec.js';
import { type ChangedSettings, ChangeSettings } from './settings.commands.js';
import { type SettingsChange } from './settings.contract.js';
import { settingsTag } from './settings.rows.js';
import { shownIn } from './shown-in.js';
import { ordered, type WorkingHours } from './working-hours.js';

const stale = (): Refused => new Refused('request.stale', 412, 'Somebody changed this meanwhile. Read it again and repeat.');

/**
 * Changes settings on as many streams as they name, each written at the revision it was read at. Everything is decided before anything is written,
 * so that a refusal leaves all as it was; only the death of an engine between two appends leaves a part, and repeating the request does the rest.
 *
 * All changes of a person meet in the person's own stream, which each of them writes first, also when it is about calendars alone: of two that saw
 * the same tag, the second is refused also when it changes something else.
 */
@CommandHandler(ChangeSettings)
export class ChangeSettingsHandler implements ICommandHandler<ChangeSettings> {
  /** Together, one person's changes would lose races to each other, and everybody's requests would wait for what they do again. */
  private readonly turn = inTurn();

  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(CALENDAR_CHOICES) private readonly calendars: CalendarChoices,
    @Inject(VAULT) private readonly vault: Pick<Vault, 'subject'>,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(ENTROPY) private readonly entropy: Pick<Entropy, 'uuid'>,
  ) {}

  execute(command: ChangeSettings): Promise<ChangedSettings> {
    return this.turn(command.actor.userId, () => this.change(command));
  }

  private async change({ actor: { userId }, change, ifMatch, cause }: ChangeSettings): Promise<ChangedSettings> {
    const at = instant(this.clock.now());
    const preferred = await this.preferred(userId, change);
    const revision = ifMatch === null ? null : await this.revisionSeen(userId, ifMatch);
    const choices = await this.calendars.decide(change.calendars ?? [], { owner: userId, at }, cause);
    const command = { type: 'SetCalendarPreference', userId, change: preferred, restate: choices.events.length > 0, at } as const;
    const orders = { id: userId, commands: [command], metadata: metadataOf(cause, this.entropy.uuid()), ifMatch: revision };
    const decision = await decideOn(this.store, preference, preferenceCodec, orders);
    const { position } = await settle(this.store, preference, preferenceCodec, decision);
    const { before, after } = decision;
    const placesAgain = before.timeZone !== after.timeZone || before.focusTimeIsBusy !== after.focusTimeIsBusy;
    const written = { preference: position, calendar: await choices.write() };
    return { written, shownIn: shownIn(choices.events, placesAgain), placesAgain };
  }

  /** What the request says of the person themselves, the hours sealed; hours that are what they were keep their bytes. */
  private async preferred(userId: string, change: SettingsChange): Promise<Partial<CalendarPreference>> {
    const { timeZone, tentativeIsBusy, focusTimeIsBusy, externalChanges, workingHours } = change;
    return {
      ...(timeZone === undefined ? {} : { timeZone }),
      ...(tentativeIsBusy === undefined ? {} : { tentativeIsBusy }),
      ...(focusTimeIsBusy === undefined ? {} : { focusTimeIsBusy }),
      ...(externalChanges === undefined ? {} : { externalChanges }),
      ...(workingHours === undefined ? {} : { sealed: workingHours === null ? null : await this.sealedHours(userId, workingHours) }),
    };
  }

  private async sealedHours(userId: string, workingHours: WorkingHours): Promise<string> {
    const { sealed } = (await this.preferenceNow(userId)).state;
    const sealer = await this.vault.subject(userId);
    const clear = JSON.stringify({ workingHours: ordered(workingHours) });
    if (sealed !== null && sealer.open(preferenceObject(userId), sealed) === clear) return sealed;
    return sealer.seal(preferenceObject(userId), clear);
  }

  private preferenceNow(userId: string): Promise<Standing<CalendarPreference>> {
    return this.store.stateOf(preference, preferenceCodec, userId);
  }

  /** Where the person's own stream stands under a tag; throws `request.stale` when the tag is of other settings. */
  private async revisionSeen(userId: string, ifMatch: string): Promise<bigint> {
    const { revision } = await this.preferenceNow(userId);
    if (ifMatch !== settingsTag(await this.calendars.chosenBy(userId), revision)) throw stale();
    return revision;
  }
}
