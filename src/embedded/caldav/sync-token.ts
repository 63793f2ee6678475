/** Sync tokens are URIs (RFC 6578 3.2) that name a start of the sandbox and a revision of the calendar. */
const PREFIX = 'urn:sandbox:sync:';

export const tokenOf = (life: string, revision: number): string => `${PREFIX}${life}:${revision}`;

/** The revision a token stands for, 0 for the empty one; null when it is not of this life. */
export const revisionOf = (life: string, token: string): number | null => {
  if (token === '') return 0;
  const prefix = tokenOf(life, 0).slice(0, -1);
  const revision = token.startsWith(prefix) ? token.slice(prefix.length) : '';
  return /^\d{1,12}$/.test(revision) ? Number(revision) : null;
};
