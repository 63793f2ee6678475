/** An event to be stored. `data` and `metadata` are kept as they came; `json` says how the writer named the content. */
export type ProposedEvent = Readonly<{ id: string; type: string; json: boolean; data: Uint8Array; metadata: Uint8Array }>;

/** An event of the log. */
export type StoredEvent = ProposedEvent &
  Readonly<{
    stream: string;
    revision: bigint;
    /** Where it stands among all events; grows with gaps, as a real server's byte offsets do. */
    position: bigint;
    /** When it was stored, in 100 ns since 1970, the protocol's unit. */
    created: bigint;
  }>;

/** The revision of the event that ends a stream for good. */
export const TOMBSTONE = 9_223_372_036_854_775_807n;

export const TOMBSTONE_TYPE = '$streamDeleted';
export const METADATA_TYPE = '$metadata';
/** An event that stands for another one. */
export const LINK_TYPE = '$>';

/** The stream that holds another's settings. */
export const metadataStreamOf = (stream: string): string => `$$${stream}`;

/** The stream whose settings this one holds, or null when it holds none. */
export const describedBy = (stream: string): string | null => (stream.startsWith('$$') ? stream.slice(2) : null);

/** What an append may weigh. EventStoreDB's default for `MaxAppendSize`. */
export const MAX_APPEND_BYTES = 1_048_576;

export const weightOf = (events: readonly ProposedEvent[]): number =>
  events.reduce((sum, { data, metadata }) => sum + data.byteLength + metadata.byteLength, 0);
