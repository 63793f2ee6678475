/** The operator's client at Google, and where Google is. Addresses have no slash at the end; `apiUrl` may have a path. */
export type GoogleSettings = Readonly<{
  clientId: string;
  clientSecret: string;
  authUrl: string;
  tokenUrl: string;
  revokeUrl: string;
  apiUrl: string;
}>;
