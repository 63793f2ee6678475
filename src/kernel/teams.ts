import { type Actor } from './actor.js';

/** A room or a piece of equipment. `timeZone`: an IANA name as the directory tells it, not checked against any rules; null where it tells none. */
export type Resource = Readonly<{ timeZone: string | null }>;

/** Who asks: their id, and the teams that their token names. */
type Asker = Pick<Actor, 'userId' | 'teams'>;

/**
 * Who and what is in which team. People whom the directory names are in the teams it says; all others, and in development all people, are in those that
 * their own tokens name. A membership that no token has named for 30 days is forgotten.
 */
export type Teams = Readonly<{
  /** Takes note of the teams somebody's token names, instead of those before. Never fails: what is not noted now is noted with a later request. */
  remember: (actor: Actor) => Promise<void>;
  /** Those of the people named who share a team with the one who asks. */
  mates: (asker: Asker, userIds: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Those of the resources named that belong to a team of the one who asks, by their ids. */
  resources: (asker: Asker, resourceIds: readonly string[]) => Promise<ReadonlyMap<string, Resource>>;
}>;

/** DI token of the `Teams`. */
export const TEAMS = Symbol('Teams');
