import { ProviderFault } from '../provider/calendar-provider.js';
import { type Claimed, type Run } from './sync.context.js';

/**
 * Opens what a reading needs, all of it at once, because a person waits for what was told of. `adopted`: as `adoptRuns` answers. Throws what `unprepared`
 * ends a run by.
 */
export const prepare = async ({ runtime, row, lease, cause }: Claimed, adopted: Promise<boolean>): Promise<Run> => {
  const { calendar_id: calendarId, connection_id: connectionId, user_id: userId } = row;
  const provider = runtime.providers.get(row.provider);
  if (provider === undefined) throw new ProviderFault('unavailable', 'this provider is not configured');
  const [sealer, mark, grant, isAwaited] = await Promise.all([
    runtime.vault.connection(userId, connectionId),
    runtime.vault.marker(userId),
    runtime.grantOf(row, lease),
    adopted,
  ]);
  // One that was adopted by the first release has no address of its own.
  const { remoteId, address = remoteId } = JSON.parse(sealer.open(`calendar:${calendarId}`, row.sealed)) as {
    remoteId: string;
    address?: string;
  };
  return {
    runtime,
    row,
    lease,
    cause,
    provider,
    ...{ grant, sealer, address, isAwaited },
    ink: { calendarId, seal: sealer.seal, mark },
  };
};
