/** What of a stream its readers see; from the newest event of its metadata stream. */
export type Retention = Readonly<{
  /** First revision to be seen (`$tb`). */
  truncateBefore: bigint;
  /** How many of the newest events are seen (`$maxCount`). */
  maxCount: bigint | null;
  /** Seconds after which an event is no longer seen (`$maxAge`). */
  maxAge: number | null;
  /** The stream is deleted, and continues its revisions when it is written again. */
  deleted: boolean;
}>;

const EVERYTHING: Retention = { truncateBefore: 0n, maxCount: null, maxAge: null, deleted: false };

/** EventStoreDB deletes a stream by truncating it before the largest int64, which JSON.parse rounds up. */
const DELETED = 9_223_372_036_854_775_807n;

const EMPTY = new TextEncoder().encode('{}');

const parse = (metadata: Uint8Array): Record<string, unknown> | null => {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(metadata));
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Record<string, unknown>) : null;
  } catch {
    return null;
  }
};

/** Of a stream of settings, `$$…`, only the newest event is seen, as on a real server. */
export const NEWEST_ONLY: Retention = { ...EVERYTHING, maxCount: 1n };

const natural = (value: unknown): number | null => (typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : null);

/** Settings that cannot be read hide nothing, as on a real server. null: the stream has no settings. */
export const retentionOf = (metadata: Uint8Array | null): Retention => {
  if (metadata === null) return EVERYTHING;
  const { $tb, $maxCount, $maxAge } = parse(metadata) ?? {};
  const truncateBefore = natural($tb) ?? 0;
  const maxCount = natural($maxCount);
  return {
    truncateBefore: BigInt(truncateBefore),
    maxCount: maxCount === null ? null : BigInt(maxCount),
    maxAge: natural($maxAge),
    deleted: truncateBefore > Number.MAX_SAFE_INTEGER,
  };
};

/** The same settings with another `$tb`, written digit by digit: JSON.stringify would round the one that means deleted. */
const withTruncateBefore = (settings: Record<string, unknown>, revision: bigint): Uint8Array => {
  const rest = Object.entries(settings).filter(([name]) => name !== '$tb');
  const others = rest.map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`).join('');
  return new TextEncoder().encode(`{"$tb":${revision}${others}}`);
};

/** The settings of a stream that is deleted softly: EventStoreDB replaces all it had. */
export const deletedSettings = (): Uint8Array => withTruncateBefore({}, DELETED);

/**
 * The settings of a deleted stream that is written again, or whose settings are: the events before `next` stay hidden. null when the settings
 * are no JSON object, which EventStoreDB leaves as they are.
 */
export const revivedSettings = (metadata: Uint8Array | null, next: bigint): Uint8Array | null => {
  const settings = parse(metadata ?? EMPTY);
  return settings === null ? null : withTruncateBefore(settings, next);
};

/** First revision of a stream, whose newest is `newest`, that its readers see. */
export const firstVisible = ({ truncateBefore, maxCount }: Retention, newest: bigint): bigint => {
  const byCount = maxCount === null ? 0n : newest - maxCount + 1n;
  return byCount > truncateBefore ? byCount : truncateBefore;
};
