/** Which objects a run has met, by reference: what was said of each last. */
export class MetObjects {
  /** The calendar has them. */
  readonly seen = new Set<string>();
  /** It has them no more. */
  readonly removed = new Set<string>();
  /** It has them, and they hold no event. */
  readonly others = new Set<string>();

  get size(): number {
    return this.seen.size + this.removed.size + this.others.size;
  }

  has(ref: string): boolean {
    return this.seen.has(ref) || this.others.has(ref);
  }

  see(ref: string): void {
    this.removed.delete(ref);
    this.others.delete(ref);
    this.seen.add(ref);
  }

  seeOther(ref: string): void {
    this.removed.delete(ref);
    this.seen.delete(ref);
    this.others.add(ref);
  }

  /** Of what was never held nothing can go. */
  lose(ref: string, isHeld: boolean): void {
    if (isHeld || this.has(ref)) this.removed.add(ref);
    this.seen.delete(ref);
    this.others.delete(ref);
  }
}
