/** A calendar of a sandbox account as it is when the sandbox starts. */
export type SandboxCalendar = Readonly<{
  /** Last part of its address. */
  name: string;
  displayName: string;
  /** `#rrggbb`. */
  color: string;
  /** IANA name. */
  timeZone: string;
  /** `read`: shared by somebody else, who alone may write. */
  access: 'write' | 'read';
  /** iCalendar texts by file name. */
  objects: ReadonlyMap<string, string>;
}>;

export type SandboxAccount = Readonly<{
  /** An e-mail address, which invitations name as well. */
  username: string;
  password: string;
  fullName: string;
  calendars: readonly SandboxCalendar[];
}>;
