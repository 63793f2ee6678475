/** What became of something, as the last of `revision` changes. */
export type Change<T> = Readonly<{ key: string; value: T; revision: number }>;

/** A list in memory, with a history as short as the list: of each thing only the last change. */
export type ChangeLog<T> = Readonly<{
  /** Grows by one with every change. */
  revision: () => number;
  get: (key: string) => Change<T> | null;
  put: (key: string, value: T) => Change<T>;
  /** What changed after a revision (0: everything), the oldest change first. */
  since: (revision: number) => readonly Change<T>[];
}>;

export const changeLog = <T>(): ChangeLog<T> => {
  const changes = new Map<string, Change<T>>();
  let revision = 0;
  return {
    revision: () => revision,
    get: (key) => changes.get(key) ?? null,
    put: (key, value) => {
      revision += 1;
      const change = { key, value, revision };
      // Deleted first: a map keeps the place of a key it has, and the order of changes is what is asked for.
      changes.delete(key);
      changes.set(key, change);
      return change;
    },
    since: (earlier) => [...changes.values()].filter((change) => change.revision > earlier),
  };
};
