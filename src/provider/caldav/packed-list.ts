/** An object by name: `href` as the server writes it, `spelling` its path in the same words, `path` the one spelling it goes by here. */
export type Listed = Readonly<{ href: string; spelling: string; path: string; etag: string | null }>;

/**
 * Objects by path, held as text: about a hundred bytes for each, where a map of objects takes three times as much and keeps alive the answers
 * its strings were cut from. A calendar may have a hundred thousand.
 */
export type PackedList = Readonly<{
  /** Of a path that comes again, what was said last holds. */
  add: (object: Listed) => void;
  /** How often something was added that has not been handed over. */
  size: () => number;
  /** Whether objects are in it whose addresses differ in nothing but their spelling. */
  isAmbiguous: () => boolean;
  /**
   * What is in the list, `PIECE` at a time, in the order it came in while that is little; what was handed over is held no longer. With `exact`
   * each spelling is an object of its own, and the path it goes by.
   */
  take: (exact?: boolean) => Generator<readonly Listed[], void>;
}>;

/** How many are handed over together. */
export const PIECE = 200;

/** So many are packed at once, and as many parts are unpacked one after the other, so that each path can be found again among few. */
const OPEN = 1_000;
const PARTS = 64;

type Packed = readonly [href: string, etag: string | null, spelling?: string, path?: string];

const packed = ({ href, spelling, path, etag }: Listed): Packed =>
  path !== spelling ? [href, etag, spelling, path] : href === path ? [href, etag] : [href, etag, spelling];

const unpacked = (text: string): readonly Listed[] =>
  (JSON.parse(text) as readonly Packed[]).map(([href, etag, spelling = href, path = spelling]) => ({ href, spelling, path, etag }));

const partOf = ({ path }: Listed): number => {
  let hash = 0;
  for (let index = 0; index < path.length; index += 1) hash = (hash * 31 + path.charCodeAt(index)) | 0;
  return Math.abs(hash % PARTS);
};

/** What of some objects goes into which part. */
const sharesOf = (objects: readonly Listed[]): readonly (readonly [part: number, text: string])[] => {
  const shares: Packed[][] = Array.from({ length: PARTS }, () => []);
  for (const object of objects) shares[partOf(object)]?.push(packed(object));
  return shares.flatMap((share, part) => (share.length === 0 ? [] : [[part, JSON.stringify(share)] as const]));
};

const lastOfEach = (objects: readonly Listed[], exact: boolean): Listed[] => {
  const named = exact ? objects.map((object) => ({ ...object, path: object.spelling })) : objects;
  return [...new Map(named.map((object) => [object.path, object])).values()];
};

const differInSpelling = (objects: readonly Listed[]): boolean => {
  const spellings = new Map<string, string>();
  return objects.some(({ path, spelling }) => {
    const earlier = spellings.get(path);
    spellings.set(path, spelling);
    return earlier !== undefined && earlier !== spelling;
  });
};

/** The same objects in pieces of one size, but for the last. */
function* evenly(parts: Iterable<readonly Listed[]>): Generator<readonly Listed[], void> {
  let waiting: Listed[] = [];
  for (const some of parts) {
    waiting.push(...some);
    for (; waiting.length >= PIECE; waiting = waiting.slice(PIECE)) yield waiting.slice(0, PIECE);
  }
  if (waiting.length > 0) yield waiting;
}

export const packedList = (objects: Iterable<Listed> = []): PackedList => {
  const parts: string[][] = Array.from({ length: PARTS }, () => []);
  let open: Listed[] = [];
  let size = 0;
  let isPacked = false;
  // Where every address is spelled in the one way, no two differ in their spelling alone.
  let isRespelled = false;
  const pack = (): void => {
    for (const [part, texts] of sharesOf(open)) parts[part]?.push(texts);
    open = [];
    isPacked = true;
  };
  function* each(exact: boolean): Generator<readonly Listed[], void> {
    if (isPacked) pack();
    for (const part of parts) yield lastOfEach(part.splice(0).flatMap(unpacked), exact);
    yield lastOfEach(open.splice(0), exact);
  }
  const add = (object: Listed): void => {
    open.push(object);
    size += 1;
    isRespelled ||= object.spelling !== object.path;
    if (open.length === OPEN) pack();
  };
  for (const object of objects) add(object);
  return {
    add,
    size: () => size,
    isAmbiguous: () => {
      if (!isRespelled) return false;
      if (isPacked) pack();
      return differInSpelling(open) || parts.some((part) => differInSpelling(part.flatMap(unpacked)));
    },
    take: function* (exact = false) {
      yield* evenly(each(exact));
      size = 0;
    },
  };
};
