/**
 * The operator's client at Microsoft, and where Microsoft is. `tenant`: `common`, `organizations`, `consumers`, or a tenant's id; addresses are origins
 * without a slash at the end.
 */
export type MicrosoftSettings = Readonly<{ clientId: string; clientSecret: string; tenant: string; loginUrl: string; graphUrl: string }>;
