import { type Log } from '../../kernel/log.js';
import { asAdmin, beginAgain, placesOf } from './admin.kafka.js';
import { kafkaClient } from './client.kafka.js';
import { type Asked } from './inspector.kafka.js';
import { type KafkaSettings } from './kafka-settings.js';
import { BOUNDED } from './kafka.publisher.js';
import { type Outside, outsideOf } from './offsets.js';
import { type Positions } from './positions.sql.js';

type Means = Readonly<{ settings: KafkaSettings; log: Log; positions: Positions }>;

/** Partitions whose messages are not those that a group of consumers has read on (sync-rule 35). */
export const findOutside = ({ settings, log, positions }: Means, { group, topics }: Asked): Promise<readonly Outside[]> =>
  asAdmin(kafkaClient(settings, log, BOUNDED), async (admin) => {
    const remembered = await positions.of(group);
    return outsideOf(await placesOf(admin, group, topics, remembered));
  });

/** Has a group go on there with the first message that each partition has. No member of it may be running: those that found it have stopped. */
export const acceptOutside = ({ settings, log, positions }: Means, group: string, outside: readonly Outside[]): Promise<void> =>
  asAdmin(kafkaClient(settings, log, BOUNDED), async (admin) => {
    await beginAgain(admin, group, outside);
    await positions.accept(group, outside);
  });
