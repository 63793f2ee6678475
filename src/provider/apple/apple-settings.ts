/**
 * The operator's client of Sign in with Apple. `clientId`: the Services ID. `privateKey`: PEM (PKCS #8) of a P-256 key, whose id is `keyId`. `idUrl`: origin
 * of Apple's pages, and the issuer of its tokens. `caldavUrl`: where the calendars of the people are who sign in there; null for iCloud.
 */
export type AppleSettings = Readonly<{
  clientId: string;
  teamId: string;
  keyId: string;
  privateKey: string;
  idUrl: string;
  caldavUrl: string | null;
}>;
