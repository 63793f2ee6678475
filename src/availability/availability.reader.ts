import { Inject, Injectable } from '@nestjs/common';
import { type Freshness, freshnessOf } from '../sync/freshness.js';
import { type Clock, CLOCK, SECOND } from '../kernel/clock.js';
import { READ_MODELS, type ReadModels } from '../kernel/projection.js';
import { DATABASE, type Database } from '../kernel/sql.js';
import { type TimeRange } from '../kernel/time-range.js';
import { type Availability, availabilityOf } from './availability.js';
import { type Counting, countingOf, lastSynced, takenIn } from './availability.sql.js';
import { intervalOf } from './intervals.js';

/** How long a question waits for what was synced a moment ago. */
const PATIENCE = SECOND;

/** What is known of somebody's time, how they want it counted, and how far each of their calendars can be trusted. */
export type KnownTime = Availability & Readonly<{ counting: Counting; freshness: readonly Freshness[] }>;

/** Reads what is known of people's time; their titles are never opened. */
@Injectable()
export class AvailabilityReader {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(READ_MODELS) private readonly readModels: ReadModels,
  ) {}

  /** Waits, not for long, until what was synced last for these people can be read. */
  async settled(userIds: readonly string[]): Promise<void> {
    const position = await lastSynced(this.database, userIds);
    if (position !== null) await this.readModels.reached(['user_calendar_events'], { feed: position }, PATIENCE);
  }

  async read(userId: string, range: TimeRange): Promise<KnownTime> {
    const counting = await countingOf(this.database, userId);
    const { freshness: rows, taken } = await takenIn(this.database, userId, range, counting.tentativeIsBusy);
    const freshness = rows.map((row) => freshnessOf(row, this.clock.now()));
    return { ...availabilityOf(intervalOf(range), freshness, taken), counting, freshness };
  }
}
