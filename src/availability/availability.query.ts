import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { freshnessOf } from '../calendar/freshness.js';
import { type Actor } from '../kernel/actor.js';
import { type Clock, CLOCK, instant, MINUTE } from '../kernel/clock.js';
import { READ_MODELS, type ReadModels } from '../kernel/projection.js';
import { Refused } from '../kernel/refused.js';
import { DATABASE, type Database } from '../kernel/sql.js';
import { TEAMS, type Teams } from '../kernel/teams.js';
import { type TimeRange } from '../kernel/time-range.js';
import { VAULT, type Vault } from '../kernel/vault.js';
import { FIRST_INSTANT, LAST_INSTANT } from '../merged-events/range.js';
import { preferenceObject } from '../preference/preference.js';
import { type WorkingHours } from '../preference/working-hours.js';
import { type Availability, availabilityOf } from './availability.js';
import { type AvailabilityRequest, type OwnAvailability, type TeamAvailability } from './availability.contract.js';
import { type Counting, countingOf, lastSynced, takenIn } from './availability.sql.js';
import { type Interval, within } from './intervals.js';
import { type Person, slotsFor, type Wish } from './slots.js';

/** When the person who asks is busy, and when nobody can say. */
export class MyAvailability extends Query<OwnAvailability> {
  constructor(
    readonly actor: Actor,
    readonly range: TimeRange,
  ) {
    super();
  }
}

/** When people who share a team are busy, and when they could meet. */
export class TeamsAvailability extends Query<TeamAvailability> {
  constructor(
    readonly actor: Actor,
    readonly range: TimeRange,
    readonly asked: AvailabilityRequest,
  ) {
    super();
  }
}

/** Milliseconds a question waits for what was synced a moment ago. */
const PATIENCE = 1_000;

const spans = (intervals: readonly Interval[]) => intervals.map(({ start, end }) => ({ start: instant(start), end: instant(end) }));

const intervalOf = ({ start, end }: TimeRange): Interval => ({ start: Date.parse(start), end: Date.parse(end) });

type Seen = Availability & Readonly<{ counting: Counting; freshness: OwnAvailability['freshness'] }>;

/** Reads what is known of people's time; their titles are never opened. */
const seen = async (sql: Database, clock: Clock, userId: string, range: TimeRange): Promise<Seen> => {
  const counting = await countingOf(sql, userId);
  const { freshness: rows, taken } = await takenIn(sql, userId, range, counting.tentativeIsBusy);
  const freshness = rows.map((row) => freshnessOf(row, clock.now()));
  return { ...availabilityOf(intervalOf(range), freshness, taken), counting, freshness };
};

const settled = async (database: Database, readModels: ReadModels, userIds: readonly string[]): Promise<void> => {
  const position = await lastSynced(database, userIds);
  if (position !== null) await readModels.reached(['user_calendar_events'], position, PATIENCE);
};

@QueryHandler(MyAvailability)
export class MyAvailabilityHandler implements IQueryHandler<MyAvailability> {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(READ_MODELS) private readonly readModels: ReadModels,
  ) {}

  async execute({ actor: { userId }, range }: MyAvailability): Promise<OwnAvailability> {
    await settled(this.database, this.readModels, [userId]);
    const { busy, unknown, freshness, counting } = await seen(this.database, this.clock, userId, range);
    return { range: { ...range }, timeZone: counting.timeZone, busy: spans(busy), unknown: spans(unknown), freshness };
  }
}

@QueryHandler(TeamsAvailability)
export class TeamsAvailabilityHandler implements IQueryHandler<TeamsAvailability> {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(READ_MODELS) private readonly readModels: ReadModels,
    @Inject(TEAMS) private readonly teams: Teams,
    @Inject(VAULT) private readonly vault: Vault,
  ) {}

  async execute({ actor, range, asked }: TeamsAvailability): Promise<TeamAvailability> {
    const { users, durationMinutes } = asked;
    await this.refuseStrangers(actor, users);
    await settled(this.database, this.readModels, users);
    const asking = intervalOf(range);
    const wish = wishOf(asked);
    const around = withBuffers(asking, wish);
    const answers: TeamAvailability['users'] = [];
    const people: Person[] = [];
    for (const userId of users) {
      const { busy, unknown, freshness, counting } = await seen(this.database, this.clock, userId, around);
      const unreadable = freshness.reduce((sum, each) => sum + each.unreadable, 0);
      answers.push({ userId, busy: spans(within(busy, asking)), unknown: spans(within(unknown, asking)), unreadable });
      const workingHours = asked.workingHours && durationMinutes !== undefined ? await this.hoursOf(userId, counting) : null;
      people.push({ userId, taken: [...busy, ...unknown], workingHours, timeZone: counting.timeZone });
    }
    const slots = durationMinutes === undefined ? null : slotsFor(asking, people, wish);
    return {
      range: { ...range },
      users: answers,
      slots: slots?.map(({ start, end, free }) => ({ start: instant(start), end: instant(end), free: [...free] })) ?? null,
    };
  }

  /** Whether somebody exists is nobody's business who shares no team with them: a stranger and a name nobody has are refused alike. */
  private async refuseStrangers({ userId, teams }: Actor, users: readonly string[]): Promise<void> {
    const others = users.filter((each) => each !== userId);
    const mates = others.length === 0 ? new Set<string>() : await this.teams.mates(teams, others);
    if (others.some((other) => !mates.has(other)))
      throw new Refused('availability.unknown-person', 404, 'Somebody named in `users` is in none of your teams.');
  }

  private async hoursOf(userId: string, { sealed }: Counting): Promise<WorkingHours | null> {
    if (sealed === null) return null;
    const sealer = await this.vault.subject(userId);
    return (JSON.parse(sealer.open(preferenceObject(userId), sealed)) as { workingHours: WorkingHours }).workingHours;
  }
}

/** What has to be free around a slot may lie outside the range. */
const withBuffers = ({ start, end }: Interval, { before, after }: Wish): TimeRange => ({
  start: instant(Math.max(FIRST_INSTANT, start - before)),
  end: instant(Math.min(LAST_INSTANT, end + after)),
});

const wishOf = ({ users, durationMinutes, buffers, quorum }: AvailabilityRequest): Wish => ({
  duration: (durationMinutes ?? 0) * MINUTE,
  before: (buffers?.beforeMinutes ?? 0) * MINUTE,
  after: (buffers?.afterMinutes ?? 0) * MINUTE,
  quorum: quorum ?? users.length,
});
