import { type Actor } from './actor.js';

/** Who is in which team, as people's own tokens say. A membership that no token has named for 30 days is forgotten. */
export type Teams = Readonly<{
  /** Takes note of the teams somebody's token names, instead of those before. Never fails: what is not noted now is noted with a later request. */
  remember: (actor: Actor) => Promise<void>;
  /** Those of the people named who share one of these teams. */
  mates: (teams: readonly string[], userIds: readonly string[]) => Promise<ReadonlySet<string>>;
}>;

/** DI token of the `Teams`. */
export const TEAMS = Symbol('Teams');
