/** Items that were taken together. `isLast`: nothing comes after them. */
export type Page<T> = Readonly<{ items: readonly T[]; isLast: boolean }>;

/**
 * Stands between a producer that cannot be asked for single items and a consumer that takes pages. It is full with `most` items, or with items
 * of `mostWeight` together: the producer waits for `room` before it brings more, so that no more than what came at once lies above the bound.
 */
export class BoundedQueue<T> {
  private items: T[] = [];
  private weight = 0;
  private state: 'open' | 'finished' | 'closed' = 'open';
  private error: Error | null = null;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly most: number,
    private readonly mostWeight: number,
  ) {}

  put(item: T, weight: number): void {
    this.items.push(item);
    this.weight += weight;
    if (this.isFull()) this.wake();
  }

  /** Waits until there is room; false when the consumer has left and no item is wanted any more. */
  async room(): Promise<boolean> {
    while (this.isFull() && this.state !== 'closed') await this.change();
    return this.state !== 'closed';
  }

  /** Nothing more comes. What is in the queue can still be taken; after that the consumer gets the error, if there is one. */
  finish(error: Error | null): void {
    if (this.state !== 'open') return;
    this.state = 'finished';
    this.error = error;
    this.wake();
  }

  /** The consumer leaves; the producer waits no longer. */
  close(): void {
    this.state = 'closed';
    this.items = [];
    this.wake();
  }

  /** What comes, as soon as a page of it is full and at the end. A consumer that does not take all of it closes the queue. */
  async *pages(): AsyncGenerator<Page<T>, void> {
    try {
      for (;;) {
        while (!this.isFull() && this.state === 'open') await this.change();
        if (this.items.length === 0) break;
        const items = this.items.splice(0);
        this.weight = 0;
        this.wake();
        yield { items, isLast: this.state !== 'open' };
      }
      if (this.error !== null) throw this.error;
    } finally {
      this.close();
    }
  }

  private isFull(): boolean {
    return this.items.length >= this.most || this.weight >= this.mostWeight;
  }

  private change(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    for (const resume of this.waiting.splice(0)) resume();
  }
}
