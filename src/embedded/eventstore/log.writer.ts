import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type Client } from 'pg';
import { type Log } from '../engine.js';
import { isRefusal, openWriting } from './log.database.js';
import { headsOf, insert, knownAmong, lastPosition, placed, repeated } from './log.statements.js';
import { doneWith, type Group, type Head, type Order, type Outcome, type Pending, type Plan, plan, type Write } from './order.js';
import { describedBy, metadataStreamOf, type StoredEvent, weightOf } from './stored-event.js';
import { type Tail } from './tail.js';

/** Changes the log; an order is answered when it is on disk. */
export type Writer = Readonly<{
  submit: (order: Order) => Promise<Outcome>;
  /** Resolves when more may be submitted: who waits for it keeps what is queued small. */
  room: () => Promise<void>;
  /** Finishes what was submitted, then lets go of the log. */
  stop: () => Promise<void>;
}>;

/** One transaction takes what is queued, up to about this much. */
const GROUP_BYTES = 8 * 1_048_576;
const GROUP_ORDERS = 2_000;
/** Queued beyond this, writers wait: memory stays bounded while the disk is slow. */
const QUEUE_BYTES = 32 * 1_048_576;
const QUEUE_ORDERS = 20_000;
const TIMEOUT = 10_000;
const HEADS_KEPT = 50_000;

/** Opens the log for writing; waits until no other process writes it. */
export const startWriter = async (url: string, tail: Tail, log: Log): Promise<Writer> => {
  const writer = new LogWriter(url, tail, log);
  await writer.open();
  return { submit: (order) => writer.submit(order), room: () => writer.room(), stop: () => writer.stop() };
};

class LogWriter {
  private client: Client | null = null;
  private position = 0n;
  private queue: Pending[] = [];
  private running: Promise<void> | null = null;
  private stopping = false;
  private queuedBytes = 0;
  private readonly waiting: (() => void)[] = [];
  /** Where streams stand; right because the lock lets no other process write. Oldest first. */
  private readonly heads = new Map<string, Head>();

  constructor(
    private readonly url: string,
    private readonly tail: Tail,
    private readonly log: Log,
  ) {}

  async open(): Promise<Client> {
    const client = await openWriting(this.url, this.log);
    this.heads.clear();
    this.position = await lastPosition(client);
    // After a lost connection the last transaction may have been committed unseen; readers must look for themselves.
    this.tail.restart(this.position);
    this.client = client;
    return client;
  }

  submit(order: Order): Promise<Outcome> {
    if (this.stopping) return Promise.resolve({ kind: 'failed' });
    return new Promise((answer) => {
      this.queue.push({ order, since: performance.now(), answer });
      this.queuedBytes += weightOf(order.events);
      this.run();
    });
  }

  private isFull(): boolean {
    return this.queuedBytes > QUEUE_BYTES || this.queue.length > QUEUE_ORDERS;
  }

  room(): Promise<void> {
    return this.isFull() ? new Promise((resolve) => this.waiting.push(resolve)) : Promise.resolve();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.running;
    await this.client?.end().catch(() => undefined);
  }

  private run(): void {
    this.running ??= this.drain().finally(() => {
      this.running = null;
      if (this.queue.length > 0) this.run();
    });
  }

  private async drain(): Promise<void> {
    // What arrives in the same turn of the event loop shares a transaction.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.queue.length > 0) {
      const taken = this.take();
      try {
        await this.commit(this.client ?? (await this.open()), taken);
      } catch (error) {
        await this.recover(taken, error);
      }
      if (!this.isFull()) for (const resume of this.waiting.splice(0)) resume();
    }
  }

  private take(): Pending[] {
    let bytes = 0;
    const end = this.queue.findIndex(({ order }, index) => {
      bytes += weightOf(order.events);
      return index > 0 && (bytes > GROUP_BYTES || index === GROUP_ORDERS);
    });
    const taken = this.queue.splice(0, end === -1 ? this.queue.length : end);
    this.queuedBytes = this.queue.reduce((sum, { order }) => sum + weightOf(order.events), 0);
    return taken;
  }

  /** Orders whose fate is unknown are judged again on a new connection: had they been stored, they are recognised by their event ids. */
  private async recover(taken: readonly Pending[], error: unknown): Promise<void> {
    await this.client?.end().catch(() => undefined);
    this.client = null;
    if (isRefusal(error)) {
      this.log(`an append was refused: ${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'}`);
      await this.separately(taken);
      return;
    }
    const overdue = (pending: Pending): boolean => this.stopping || performance.now() - pending.since > TIMEOUT;
    for (const pending of taken.filter(overdue)) pending.answer({ kind: 'timed-out' });
    this.queue.unshift(...taken.filter((pending) => !overdue(pending)));
    await pause(50);
  }

  /** Finds the one order Postgres does not take, such as a name with a NUL in it, so that it fails alone. */
  private async separately(taken: readonly Pending[]): Promise<void> {
    const [first, ...rest] = taken;
    if (first === undefined) return;
    if (rest.length === 0) {
      first.answer({ kind: 'failed' });
      return;
    }
    for (const pending of taken) {
      try {
        await this.commit(this.client ?? (await this.open()), [pending]);
      } catch (error) {
        await this.recover([pending], error);
      }
    }
  }

  private async commit(client: Client, taken: readonly Pending[]): Promise<void> {
    const heads = await this.standing(client, taken);
    const lookups = taken.flatMap(({ order }) => (typeof order.expected === 'string' ? (order.events[0]?.id ?? []) : []));
    const known = await knownAmong(client, lookups);
    const group: Group = { writes: [], answers: [], later: [], ids: new Set(), unsettled: new Set(), heads };
    for (const pending of taken) await this.admit(client, group, pending, known);
    const stored = group.writes.length === 0 ? [] : await insert(client, placed(group.writes, this.position));
    this.settle(group, stored);
    this.queue.unshift(...group.later);
  }

  private async admit(client: Client, group: Group, pending: Pending, known: ReadonlyMap<string, bigint>): Promise<void> {
    const { order } = pending;
    const head = group.heads.get(order.stream);
    if (head === undefined || group.unsettled.has(order.stream)) {
      group.later.push(pending);
      return;
    }
    const planned = plan(order, head, randomUUID());
    if (planned.kind === 'refuse') group.answers.push([pending, planned.outcome]);
    else if (planned.kind === 'write') this.include(group, pending, planned.writes);
    else await this.includeUnlessRepeated(client, group, pending, planned, known);
  }

  private async includeUnlessRepeated(
    client: Client,
    group: Group,
    pending: Pending,
    { after, writes }: Extract<Plan, { kind: 'look' }>,
    known: ReadonlyMap<string, bigint>,
  ): Promise<void> {
    const { stream, events } = pending.order;
    const first = events[0]?.id ?? '';
    const at = known.get(`${stream}/${first}`);
    if (after === null && at === undefined && !group.ids.has(first)) {
      this.include(group, pending, writes);
    } else if (group.writes.some((write) => write.stream === stream)) {
      // What follows for this stream waits with it, so that orders keep their order.
      group.later.push(pending);
      group.unsettled.add(stream);
    } else {
      const current = group.heads.get(stream)?.revision ?? -1n;
      const outcome = await repeated(client, stream, events, after ?? (at ?? 0n) - 1n);
      group.answers.push([pending, outcome ?? { kind: 'wrong-revision', current: current === -1n ? null : current }]);
    }
  }

  private include(group: Group, pending: Pending, writes: readonly Write[]): void {
    for (const write of writes) {
      group.writes.push(write);
      for (const { id } of write.events) group.ids.add(id);
      const head = group.heads.get(write.stream);
      if (head !== undefined) group.heads.set(write.stream, { ...head, revision: write.from + BigInt(write.events.length - 1) });
      const described = describedBy(write.stream);
      if (described !== null) group.unsettled.add(described).add(write.stream);
      // The standing of a stream of settings depends on the stream they are of.
      group.unsettled.add(metadataStreamOf(write.stream));
    }
    const [first] = writes;
    if (first !== undefined) group.answers.push([pending, first]);
  }

  /** Where the streams of these orders stand, read once for those not remembered. */
  private async standing(client: Client, taken: readonly Pending[]): Promise<Map<string, Head>> {
    const streams = new Set(taken.map(({ order }) => order.stream));
    const missing = [...streams].filter((stream) => !this.heads.has(stream));
    if (missing.length > 0) for (const [stream, head] of await headsOf(client, missing)) this.heads.set(stream, head);
    return new Map(
      [...streams].flatMap((stream) => ((head) => (head === undefined ? [] : [[stream, head] as const]))(this.heads.get(stream))),
    );
  }

  /** After the commit: remembers, tells the readers, answers the writers. */
  private settle(group: Group, stored: readonly StoredEvent[]): void {
    for (const [stream, head] of group.heads) {
      this.heads.delete(stream);
      if (!group.unsettled.has(stream)) this.heads.set(stream, head);
    }
    for (const stream of group.unsettled) this.heads.delete(stream);
    for (const stream of this.heads.keys()) {
      if (this.heads.size <= HEADS_KEPT) break;
      this.heads.delete(stream);
    }
    const last = stored.at(-1);
    if (last !== undefined) {
      this.position = last.position;
      this.tail.publish(stored);
    }
    const positions = new Map(stored.map(({ stream, revision, position }) => [`${revision}/${stream}`, position]));
    for (const [pending, result] of group.answers) pending.answer('kind' in result ? result : doneWith(result, positions));
  }
}
