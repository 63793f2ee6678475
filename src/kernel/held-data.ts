/**
 * Whose a row is, and by which column: the column holds the id, after `prefix` where the id is part of a longer text (`feed-<calendar id>`).
 */
export type OwnerId = Readonly<{ of: 'user' | 'connection' | 'calendar'; column: string; prefix: string }>;

/**
 * Rows that a table holds of a person: directly, or by one of their connections or calendars. `onRevoke` says what becomes of the rows of a
 * connection and its calendars when the connection is revoked. Rows that belong to the person alone are kept.
 */
export type HeldRows = Readonly<{
  table: string;
  /** Every column that names an owner. */
  owners: readonly OwnerId[];
  onRevoke: 'removed' | Readonly<{ keptBecause: string }>;
}>;

/** The column `<owner>_id` unless another is named. */
export const by = (of: OwnerId['of'], column = `${of}_id`, prefix = ''): OwnerId => ({ of, column, prefix });
