import { type Log } from '../../kernel/log.js';
import { asAdmin, beginAgain, placesOf } from './admin.kafka.js';
import { kafkaClient } from './client.kafka.js';
import { type KafkaSettings } from './kafka-settings.js';
import { BOUNDED } from './kafka.publisher.js';
import { outsideOf } from './offsets.js';
import { type Positions } from './positions.sql.js';

/**
 * Has a group of consumers go on where its topics are not what it has read: with the first message that each such partition has. Answers the
 * partitions, `topic/partition`. No member of the group may be running, which those that stopped for it are not.
 */
export const acceptOffsets = (
  settings: KafkaSettings,
  log: Log,
  positions: Positions,
  { group, topics }: Readonly<{ group: string; topics: readonly string[] }>,
): Promise<readonly string[]> =>
  asAdmin(kafkaClient(settings, log, BOUNDED), async (admin) => {
    const remembered = await positions.of(group);
    const outside = outsideOf(await placesOf(admin, group, topics, (topic, partition) => remembered.get(`${topic}/${partition}`) ?? null));
    await beginAgain(admin, group, outside);
    await positions.accept(group, outside);
    return outside.map(({ topic, partition }) => `${topic}/${partition}`);
  });
