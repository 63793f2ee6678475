import { type DeltaSynced, type Upsert } from './feed.js';

/** `index`: of the part that brought the contents. `generation`: the newest that brought or kept them. */
type Place = { readonly index: number; generation: number };

/** Finds in a feed the contents that are held of some objects at its end, as a reader does who applies one part after the other. */
export class HeldContents {
  private readonly places = new Map<string, Place>();
  private parts = 0;

  constructor(private readonly wanted: ReadonlySet<string>) {}

  /** Whether none of the objects has any. */
  get isEmpty(): boolean {
    return this.places.size === 0;
  }

  /** Takes in the next part of the feed. */
  take({ upserts, removals, kept, generation, final }: DeltaSynced): void {
    for (const ref of removals) this.places.delete(ref);
    for (const ref of kept) {
      const place = this.places.get(ref);
      if (place !== undefined) place.generation = generation;
    }
    for (const { ref } of upserts) if (this.wanted.has(ref)) this.places.set(ref, { index: this.parts, generation });
    if (final) for (const [ref, place] of this.places) if (place.generation < generation) this.places.delete(ref);
    this.parts += 1;
  }

  /** Which objects of a part, counted from 0, are held as it has them. */
  heldOf(index: number, upserts: readonly Upsert[]): readonly Upsert[] {
    return upserts.filter(({ ref }) => this.places.get(ref)?.index === index);
  }
}
