import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { ACCESS_LOG, type AccessLog } from '../kernel/access-log.js';
import { type Actor } from '../kernel/actor.js';
import { type Cause } from '../kernel/cause.js';
import { instant, MINUTE } from '../kernel/clock.js';
import { Refused } from '../kernel/refused.js';
import { type Resource, TEAMS, type Teams } from '../kernel/teams.js';
import { type TimeRange } from '../kernel/time-range.js';
import { VAULT, type Vault } from '../kernel/vault.js';
import { FIRST_INSTANT, LAST_INSTANT } from '../merged-events/range.js';
import { preferenceObject } from '../preference/preference.js';
import { type WorkingHours } from '../preference/working-hours.js';
import { type AvailabilityRequest, type OwnAvailability, type TeamAvailability } from './availability.contract.js';
import { AvailabilityReader } from './availability.reader.js';
import { type Counting } from './availability.sql.js';
import { type Interval, intervalOf, within } from './intervals.js';
import { type Person, slotsFor, type Wish } from './slots.js';

/** When the person who asks is busy, and when it is unknown. */
export class MyAvailability extends Query<OwnAvailability> {
  constructor(
    readonly actor: Actor,
    readonly range: TimeRange,
  ) {
    super();
  }
}

/** When people who share a team are busy, and when they could meet. That others were asked about is recorded with `cause`. */
export class TeamsAvailability extends Query<TeamAvailability> {
  constructor(
    readonly actor: Actor,
    readonly range: TimeRange,
    readonly asked: AvailabilityRequest,
    readonly cause: Cause,
  ) {
    super();
  }
}

const NO_ONE: ReadonlySet<string> = new Set();

const spans = (intervals: readonly Interval[]) => intervals.map(({ start, end }) => ({ start: instant(start), end: instant(end) }));

@QueryHandler(MyAvailability)
export class MyAvailabilityHandler implements IQueryHandler<MyAvailability> {
  constructor(@Inject(AvailabilityReader) private readonly reader: AvailabilityReader) {}

  async execute({ actor: { userId }, range }: MyAvailability): Promise<OwnAvailability> {
    await this.reader.settled([userId]);
    const { busy, unknown, freshness, counting } = await this.reader.read(userId, range);
    return { range: { ...range }, timeZone: counting.timeZone, busy: spans(busy), unknown: spans(unknown), freshness: [...freshness] };
  }
}

@QueryHandler(TeamsAvailability)
export class TeamsAvailabilityHandler implements IQueryHandler<TeamsAvailability> {
  constructor(
    @Inject(AvailabilityReader) private readonly reader: AvailabilityReader,
    @Inject(TEAMS) private readonly teams: Teams,
    @Inject(VAULT) private readonly vault: Vault,
    @Inject(ACCESS_LOG) private readonly accesses: AccessLog,
  ) {}

  async execute(query: TeamsAvailability): Promise<TeamAvailability> {
    const { actor, asked, cause } = query;
    const others = asked.users.filter((each) => each !== actor.userId);
    const access = { purpose: 'availability', cause } as const;
    const mates = others.length === 0 ? NO_ONE : await this.teams.mates(actor, others);
    // An id of a person of these teams is that person's, also where a resource has the same.
    const resources = await this.teams.resources(
      actor,
      others.filter((each) => !mates.has(each)),
    );
    const subjects = others.filter((each) => mates.has(each));
    if (subjects.length + resources.size < others.length) {
      await this.accesses.refused(access);
      // A stranger and an unknown name are refused alike, because only members of a shared team may learn that a person exists.
      throw new Refused('availability.unknown-person', 404, 'Somebody named in `users` is in none of your teams.');
    }
    const [answer] = await Promise.all([this.answer(query, resources), this.accesses.granted({ ...access, subjects })]);
    return answer;
  }

  private async answer({ range, asked }: TeamsAvailability, resources: ReadonlyMap<string, Resource>): Promise<TeamAvailability> {
    const { users, durationMinutes } = asked;
    await this.reader.settled(users.filter((each) => !resources.has(each)));
    const asking = intervalOf(range);
    const wish = wishOf(asked);
    const around = withBuffers(asking, wish);
    const answers: TeamAvailability['users'] = [];
    const people: Person[] = [];
    for (const userId of users) {
      const resource = resources.get(userId);
      if (resource !== undefined) {
        answers.push({ userId, busy: [], unknown: [], unreadable: 0 });
        people.push({ userId, taken: [], workingHours: null, timeZone: resource.timeZone });
        continue;
      }
      const { busy, unknown, freshness, counting } = await this.reader.read(userId, around);
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
