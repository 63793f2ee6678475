/** An object by name: `href` as the server writes it, `path` in our one spelling. */
export type Listed = Readonly<{ href: string; path: string; etag: string | null }>;

/**
 * Objects by path, held as text: about a hundred bytes for each, where a map of objects takes three times as much and keeps alive the answers
 * its strings were cut from. A calendar may have a hundred thousand.
 */
export type PackedList = Readonly<{
  /** Of a path that comes again, what was said last holds. */
  add: (object: Listed) => void;
  /** How often something was added that has not been handed over. */
  size: () => number;
  /** What is in the list, `PIECE` at a time, in the order it came in while that is little; what was handed over is held no longer. */
  take: () => Generator<readonly Listed[], void>;
}>;

/** How many are handed over together. */
export const PIECE = 200;

/** So many are packed at once, and as many parts are unpacked one after the other, so that each path can be found again among few. */
const OPEN = 1_000;
const PARTS = 64;

type Packed = readonly [href: string, etag: string | null, path?: string];

const packed = ({ href, path, etag }: Listed): Packed => (href === path ? [href, etag] : [href, etag, path]);

const unpacked = (text: string): readonly Listed[] =>
  (JSON.parse(text) as readonly Packed[]).map(([href, etag, path = href]) => ({ href, path, etag }));

const partOf = ({ path }: Listed): number => {
  let hash = 0;
  for (let index = 0; index < path.length; index += 1) hash = (hash * 31 + path.charCodeAt(index)) | 0;
  return Math.abs(hash % PARTS);
};

const lastOfEach = (objects: readonly Listed[]): Listed[] => [...new Map(objects.map((object) => [object.path, object])).values()];

export const packedList = (objects: Iterable<Listed> = []): PackedList => {
  const parts: string[][] = Array.from({ length: PARTS }, () => []);
  let open: Listed[] = [];
  let size = 0;
  let isPacked = false;
  const pack = (): void => {
    const shares: Packed[][] = Array.from({ length: PARTS }, () => []);
    for (const object of open) shares[partOf(object)]?.push(packed(object));
    shares.forEach((share, part) => {
      if (share.length > 0) parts[part]?.push(JSON.stringify(share));
    });
    open = [];
    isPacked = true;
  };
  function* each(): Generator<readonly Listed[], void> {
    if (isPacked) pack();
    for (const part of parts) yield lastOfEach(part.splice(0).flatMap(unpacked));
    yield lastOfEach(open.splice(0));
  }
  const add = (object: Listed): void => {
    open.push(object);
    size += 1;
    if (open.length === OPEN) pack();
  };
  for (const object of objects) add(object);
  return {
    add,
    size: () => size,
    take: function* () {
      let waiting: Listed[] = [];
      for (const some of each()) {
        waiting.push(...some);
        for (; waiting.length >= PIECE; waiting = waiting.slice(PIECE)) yield waiting.slice(0, PIECE);
      }
      size = 0;
      if (waiting.length > 0) yield waiting;
    },
  };
};
