import { MINUTE } from '../kernel/clock.js';
import { sharedAnswer } from '../kernel/shared-answer.js';
import { type Sql } from '../kernel/sql.js';
import { sweepWithin, type WatchMode } from '../provider/abilities.js';
import { entryOf } from '../provider/registry.js';

/** Milliseconds within which a calendar of a provider is read again by itself, as promised at this moment. */
export type Sweep = (provider: string, mode: WatchMode) => Promise<number>;

/** How long a count of all calendars is good for. */
const COUNTED = 10 * MINUTE;

/** `operators`: milliseconds, where the provider has no interval of its own (`POLL_SECONDS`). The more calendars there are, the longer each waits. */
export const sweepOf = (sql: Sql, operators: number): Sweep => {
  const fleets = sharedAnswer(
    COUNTED,
    () => performance.now(),
    async () => {
      const rows = await sql.query<{ provider: string; count: string }>('select provider, count(*) from sync_state group by provider');
      return new Map(rows.map(({ provider, count }) => [provider, Number(count)]));
    },
  );
  return async (provider, mode) => {
    const abilities = entryOf(provider);
    const fleet = abilities.requestsADay === null ? 0 : ((await fleets()).get(provider) ?? 0);
    return sweepWithin(abilities, { mode, operators, fleet });
  };
};
