/** Values for the label names a metric was made with; few and bounded, never an id or anything personal. */
export type Labels = Readonly<Record<string, string>>;

/**
 * Numbers for operators, served at `/metrics`. Each function makes one metric and answers the way to move it; made twice under one name, it is
 * the same metric. Names are snake_case with their unit (`sync_duration_seconds`, `events_synced_total`).
 */
export type Metrics = Readonly<{
  counter: (name: string, help: string, labels?: readonly string[]) => (labels?: Labels, by?: number) => void;
  gauge: (name: string, help: string, labels?: readonly string[]) => (value: number, labels?: Labels) => void;
  /** A gauge that is read when somebody looks; a reading that fails leaves it out. */
  asked: (
    name: string,
    help: string,
    labels: readonly string[],
    read: () => Promise<readonly Readonly<{ value: number; labels?: Labels }>[]>,
  ) => void;
  /** `buckets` are upper bounds, ascending. */
  histogram: (
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly string[],
  ) => (value: number, labels?: Labels) => void;
}>;

/** DI token of the `Metrics`. */
export const METRICS = Symbol('Metrics');
