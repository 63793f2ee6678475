export const ROLES_OF_PEOPLE = ['user', 'admin', 'compliance'] as const;
export type RoleOfPerson = (typeof ROLES_OF_PEOPLE)[number];

/** Who makes a request, as their token says. */
export type Actor = Readonly<{
  /** Matches `USER_ID`. */
  userId: string;
  roles: readonly RoleOfPerson[];
  /** Teams whose members may see each other's availability. */
  teams: readonly string[];
}>;

/** User ids become part of stream names and message keys: no blanks, no slashes, nothing that needs escaping. */
export const USER_ID = /^[A-Za-z0-9._:@|-]{1,128}$/;
