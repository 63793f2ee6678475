import { setTimeout as sleep } from 'node:timers/promises';
import { metadataOf, systemCause } from '../kernel/cause.js';
import { type Clock, instant } from '../kernel/clock.js';
import { handle } from '../kernel/commands.js';
import { type Entropy } from '../kernel/entropy.js';
import { type EventStore } from '../kernel/event-store.js';
import { type Log } from '../kernel/log.js';
import { zonesCodec } from './zone-change.codec.js';
import { type BringZoneRules, zoneRules, ZONES_ID } from './zone-change.js';
import { zoneMarks } from '../time/zone-marks.js';
import { ZONE_RULES_RELEASED, ZONE_RULES_VERSION } from '../time/zone-rules.js';

type Runtime = Readonly<{ store: EventStore; clock: Clock; entropy: Pick<Entropy, 'uuid'>; log: Log }>;

const PAUSE = 5_000;

/** Records zone rules, by default this program's, where the log has none or older ones. */
export const bringZoneRules = async (
  { store, clock, entropy }: Pick<Runtime, 'store' | 'clock' | 'entropy'>,
  rules: Pick<BringZoneRules, 'version' | 'released' | 'marks'> = {
    version: ZONE_RULES_VERSION,
    released: ZONE_RULES_RELEASED,
    marks: zoneMarks(),
  },
): Promise<void> => {
  const metadata = metadataOf(systemCause('start', null, entropy.uuid()), entropy.uuid());
  const command: BringZoneRules = { type: 'BringZoneRules', ...rules, at: instant(clock.now()) };
  await handle(store, zoneRules, zonesCodec, { id: ZONES_ID, command, metadata, ifMatch: null });
};

/**
 * Records this program's zone rules as soon as the event store is there. For processes that build read models: one that only answers requests
 * would stop older ones that place by older rules before any newer one is there to go on.
 */
export const keepBringingZoneRules = async (runtime: Runtime, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted)
    try {
      await bringZoneRules(runtime);
      return;
    } catch (error) {
      runtime.log.error('the zone rules could not be recorded, trying again', error);
      await sleep(PAUSE, undefined, { signal }).catch(() => undefined);
    }
};
