import { Controller, Inject } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { type Delivered, type Inbox, INBOX } from '../kernel/broker.js';
import { LOG, type Log } from '../kernel/log.js';
import { DIRECTORY_TOPIC, readDirectoryMessage } from './directory.contract.js';
import { writeChange } from './directory.sql.js';

/** Keeps what the directory tells of people and resources. */
@Controller()
export class DirectoryConsumer {
  constructor(
    @Inject(INBOX) private readonly inbox: Inbox,
    @Inject(LOG) private readonly log: Log,
  ) {}

  @EventPattern(DIRECTORY_TOPIC)
  async onTold(@Payload() message: Delivered): Promise<void> {
    const read = readDirectoryMessage(message);
    if (read === null) {
      const { topic, partition, offset } = message;
      this.log.warn('a message of a type that this version does not know was left out', { topic, partition, offset });
      return;
    }
    await this.inbox.once('directory', read.id, (sql) => writeChange(sql, read.change));
  }
}
