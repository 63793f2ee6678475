/** Offset of a zone, in seconds east of UTC, at an instant in seconds since the epoch. */
export type OffsetAt = (instant: number) => number;

/** Offsets within one block of time: `from` is its first instant with that offset; the first change begins the block. */
type Change = Readonly<{ from: number; offset: number }>;

const BLOCK = 2 ** 25;
/** Blocks from 1900 to 2100. Before and after, the nearest offset holds, so that far-off times cannot make anybody work out millennia. */
const FIRST_BLOCK = -66;
const LAST_BLOCK = 122;
/** Finer than the shortest summer time or Ramadan pause on record, so that no pair of changes hides between two samples. */
const SAMPLE = 2 ** 19;

const formatOf = (id: string): Intl.DateTimeFormat => new Intl.DateTimeFormat('en-US', { timeZone: id, timeZoneName: 'longOffset' });

const readOffset = (format: Intl.DateTimeFormat, instant: number): number => {
  const match = /GMT(?:([+-])(\d+):(\d+)(?::(\d+))?)?$/.exec(format.format(instant * 1_000));
  const seconds = Number(match?.[2] ?? 0) * 3_600 + Number(match?.[3] ?? 0) * 60 + Number(match?.[4] ?? 0);
  return match?.[1] === '-' ? -seconds : seconds;
};

/** First instant of `(low, high]` whose offset is not that of `low`, given that there is one. */
const firstChange = (format: Intl.DateTimeFormat, low: number, high: number): Change => {
  const before = readOffset(format, low);
  let [same, other] = [low, high];
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (readOffset(format, middle) === before) same = middle;
    else other = middle;
  }
  return { from: other, offset: readOffset(format, other) };
};

const changesOf = (format: Intl.DateTimeFormat, block: number): readonly Change[] => {
  const begin = block * BLOCK;
  const changes: Change[] = [{ from: begin, offset: readOffset(format, begin) }];
  for (let low = begin; low < begin + BLOCK; low += SAMPLE) {
    const high = low + SAMPLE;
    if (readOffset(format, high) !== changes.at(-1)?.offset) changes.push(firstChange(format, low, high));
  }
  return changes;
};

const offsetsOf = (id: string): OffsetAt => {
  const format = formatOf(id);
  const blocks = new Map<number, readonly Change[]>();
  return (instant) => {
    const block = Math.min(LAST_BLOCK, Math.max(FIRST_BLOCK, Math.floor(instant / BLOCK)));
    let changes = blocks.get(block);
    if (changes === undefined) blocks.set(block, (changes = changesOf(format, block)));
    let offset = changes[0]?.offset ?? 0;
    for (const change of changes) if (change.from <= instant) offset = change.offset;
    return offset;
  };
};

/** Ids differ in case and come from outside; past this many the caches start again rather than grow. */
const CACHED = 1_000;
const known = new Map<string, OffsetAt | null>();

const lookUp = (id: string): OffsetAt | null => {
  // Newer engines also take `+01:00`, which is an offset and no place.
  if (!/^[A-Za-z][A-Za-z0-9_+\-/]{1,63}$/.test(id)) return null;
  try {
    return offsetsOf(id);
  } catch {
    return null;
  }
};

/** Offsets of an IANA zone, or null when there is no such zone. Rules come from the engine's copy of the IANA database, asked once a year of time. */
export const ianaOffsets = (id: string): OffsetAt | null => {
  let offsets = known.get(id);
  if (offsets === undefined) {
    if (known.size >= CACHED) known.clear();
    known.set(id, (offsets = lookUp(id)));
  }
  return offsets;
};
