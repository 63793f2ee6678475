import { type Clock } from '../../kernel/clock.js';
import { type GuardedHttp } from '../http/guarded.http.js';

/** The operator's client at Google, and where Google is. `apiUrl` may have a path. */
export type GoogleSettings = Readonly<{
  clientId: string;
  clientSecret: string;
  authUrl: string;
  tokenUrl: string;
  revokeUrl: string;
  apiUrl: string;
}>;

export type GoogleOptions = Readonly<{ http: GuardedHttp; clock: Clock; google: GoogleSettings }>;

/** Names the account among all that one process serves; requests of one account wait for each other. */
export const laneOf = ({ subject, refreshToken }: Readonly<Record<string, string>>): string => `google ${subject ?? refreshToken ?? ''}`;
