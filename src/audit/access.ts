/**
 * Somebody asked for the data of another person. `subject` is null when it was refused: the person asked for may not exist. What was shown is
 * in no record.
 */
export type DataAccessed = Readonly<{
  type: 'DataAccessed';
  actor: string;
  subject: string | null;
  /** What it was asked for: `availability`. */
  purpose: string;
  route: string;
  outcome: 'granted' | 'refused';
  /** RFC 3339, UTC. */
  at: string;
}>;

/** First part of the stream name `access-<day>`; permanent. */
export const ACCESS = 'access';

/** One stream for each day in UTC, so that none grows without end; the name is permanent. */
export const accessStream = (at: string): string => `${ACCESS}-${at.slice(0, 10)}`;
