/** What the directory told: of a member or a resource all there is, or that it is gone. `at`: when that was so, RFC 3339, UTC; the later one holds. */
export type DirectoryChange = Readonly<{ at: string }> &
  (
    | Readonly<{ of: 'member'; id: string; teams: readonly string[] }>
    | Readonly<{ of: 'resource'; id: string; resource: ToldResource }>
    | Readonly<{ of: 'removed member' | 'removed resource'; id: string }>
  );

/** `capacity`: people it has room for; null where that was not told. */
export type ToldResource = Readonly<{
  kind: 'room' | 'equipment';
  name: string;
  capacity: number | null;
  timeZone: string | null;
  teams: readonly string[];
}>;

/**
 * When something was so: the time that the message names, but not after it was published. A sender whose clock was ahead would otherwise have the last word
 * until that time has come. Milliseconds since the epoch.
 */
export const holdsFrom = (named: number, published: number): number => Math.min(named, published);
