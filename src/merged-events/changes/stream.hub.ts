import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { Refused } from '../../kernel/refused.js';
import { DATABASE, type Database } from '../../kernel/sql.js';

/** A client of the stream, as far as the hub must know it. */
export type Follower = Readonly<{ userId: string; wake: () => void; end: () => void }>;

/** A browser has one for each tab; more than this is a client that forgets to close them. */
const STREAMS_PER_PERSON = 20;

/**
 * All streams of this process behind one LISTEN connection: a writer of changes notifies the channel `stream` with the person's id, and
 * that person's streams look what it was. After a lost connection all of them look.
 */
@Injectable()
export class StreamHub implements BeforeApplicationShutdown {
  private readonly followers = new Map<string, Set<Follower>>();
  private unlisten: (() => Promise<void>) | null = null;
  private closed = false;

  constructor(@Inject(DATABASE) private readonly database: Pick<Database, 'listen'>) {}

  /** Joins; answers the way to leave. Throws `stream.too-many`, or `stream.closing` when the process is stopping. */
  join(follower: Follower): () => void {
    if (this.closed) throw new Refused('stream.closing', 503, 'This process is stopping: connect again.', 1);
    const { userId } = follower;
    const mine = this.followers.get(userId) ?? new Set();
    if (mine.size >= STREAMS_PER_PERSON)
      throw new Refused('stream.too-many', 429, `A person may have ${STREAMS_PER_PERSON} streams open: close some.`, 5);
    this.followers.set(userId, mine.add(follower));
    this.unlisten ??= this.database.listen('stream', (who) => {
      this.wake(who);
    });
    return () => {
      mine.delete(follower);
      if (mine.size === 0 && this.followers.get(userId) === mine) this.followers.delete(userId);
    };
  }

  private wake(userId: string | null): void {
    const awake = userId === null ? [...this.followers.values()] : [this.followers.get(userId) ?? new Set<Follower>()];
    for (const group of awake) for (const follower of group) follower.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.closed = true;
    for (const group of this.followers.values()) for (const follower of group) follower.end();
    await this.unlisten?.();
  }
}
