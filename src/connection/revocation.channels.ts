import { type Clock, instant, MINUTE } from '../kernel/clock.js';
import { type Database } from '../kernel/sql.js';
import { type Secret } from '../kernel/vault.js';
import { type Call, type CalendarProvider, ProviderFault } from '../provider/calendar-provider.js';
import { fixedGrant, type Grant } from '../provider/grant.js';
import { isDeadGrant } from './account-fault.js';

/** Tokens that are good for less are renewed before they are used. */
const AHEAD = MINUTE;

/** What is left of an account that is wound up. `current`: the secret as it is now, which a renewal in memory may have changed. */
type Left = Readonly<{ grant: Grant; current: () => Secret }>;

/** A grant of a secret that was set aside: what it is renewed to is kept in memory alone, because the access ends with this work. */
export const leftGrant = ({ oauth }: Pick<CalendarProvider, 'oauth'>, secret: Secret, clock: Clock, call: Call): Left => {
  if (oauth === null) return { grant: fixedGrant(secret), current: () => secret };
  let current = secret;
  const renew = async (): Promise<Secret> => (current = await oauth.refresh(current, call));
  const isGood = (): boolean => Date.parse(current['expiresAt'] ?? '') - clock.now() > AHEAD;
  return {
    grant: {
      secret: async () => (isGood() ? current : renew()),
      renew: async (seen) => (seen['accessToken'] === current['accessToken'] ? renew() : current),
    },
    current: () => current,
  };
};

type Ports = Readonly<{ database: Database; clock: Clock }>;

/** How long after its opening began the answer that names a channel may still come. */
const NAMED_WITHIN = MINUTE;

/**
 * Stops the channels of a connection, as far as their service's names for them are known. Answers whether that is done: not while a channel is being
 * opened, because its name stops it only as long as the grant lives. With a grant that is dead there is nothing to do it with.
 */
export const stopChannels = async (
  { database, clock }: Ports,
  connectionId: string,
  { push }: Pick<CalendarProvider, 'push'>,
  { grant }: Left,
  call: Call,
): Promise<boolean> => {
  const channels = await database.query<{ id: string; remote: string | null }>(
    `select channel_id as id, remote from watch_channel
     where connection_id = $1 and expires_at > $2 and (remote is not null or (state = 'opening' and opened_at > $3))`,
    [connectionId, instant(clock.now()), instant(clock.now() - NAMED_WITHIN)],
  );
  let isDone = true;
  for (const { id, remote } of push === null ? [] : channels)
    try {
      if (remote === null) isDone = false;
      else {
        await push?.stop(grant, { id, remote }, call);
        await database.query('delete from watch_channel where channel_id = $1', [id]);
      }
    } catch (error) {
      if (!(error instanceof ProviderFault)) throw error;
      if (isDeadGrant(error.fault)) return true;
      isDone = false;
    }
  return isDone;
};
