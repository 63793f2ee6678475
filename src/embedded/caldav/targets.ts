/** What an address of the sandbox means. `well-known` and `root` belong to no account. */
export type Target =
  | Readonly<{ kind: 'well-known' | 'root' }>
  | Readonly<{ kind: 'principal' | 'home'; account: string }>
  | Readonly<{ kind: 'calendar'; account: string; calendar: string }>
  | Readonly<{ kind: 'object'; account: string; calendar: string; object: string }>;

const decoded = (path: string): readonly string[] | null => {
  try {
    return path
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeURIComponent);
  } catch {
    return null;
  }
};

/** Null when there can be nothing at that path. */
export const targetOf = (path: string): Target | null => {
  const segments = decoded(path);
  if (segments === null) return null;
  const [root, kind, account, calendar, object] = segments;
  if (root === undefined) return { kind: 'root' };
  if (root === '.well-known') return kind === 'caldav' && segments.length === 2 ? { kind: 'well-known' } : null;
  if (root !== 'dav' || segments.length > 5) return null;
  if (kind === undefined) return { kind: 'root' };
  if (account === undefined || (kind !== 'principals' && kind !== 'calendars')) return null;
  if (kind === 'principals') return segments.length === 3 ? { kind: 'principal', account } : null;
  if (calendar === undefined) return { kind: 'home', account };
  return object === undefined ? { kind: 'calendar', account, calendar } : { kind: 'object', account, calendar, object };
};

/** The path of a target, in the one spelling this server prefers; collections end in a slash. */
export const pathOf = (target: Target): string => {
  const segment = encodeURIComponent;
  switch (target.kind) {
    case 'well-known':
      return '/.well-known/caldav';
    case 'root':
      return '/dav/';
    case 'principal':
      return `/dav/principals/${segment(target.account)}/`;
    case 'home':
      return `/dav/calendars/${segment(target.account)}/`;
    case 'calendar':
      return `/dav/calendars/${segment(target.account)}/${segment(target.calendar)}/`;
    case 'object':
      return `/dav/calendars/${segment(target.account)}/${segment(target.calendar)}/${segment(target.object)}`;
  }
};
