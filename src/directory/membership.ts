/** What is known of somebody's teams. `told`: by the directory; null where it does not name them, empty where it took them out. `shown`: by their token. */
export type Known = Readonly<{ told: readonly string[] | null; shown: readonly string[] }>;

/**
 * The teams that somebody is in. The directory has the last word on people whom it names: who left a team there must not stay in it by an older token.
 * `tokensCount`: tokens count for those people too, as they do in development, where anybody makes them.
 */
export const teamsOf = ({ told, shown }: Known, tokensCount: boolean): readonly string[] => {
  if (told === null) return shown;
  return tokensCount ? [...new Set([...told, ...shown])] : told;
};
