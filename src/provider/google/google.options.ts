import { type Clock } from '../../kernel/clock.js';
import { type GuardedHttp } from '../http/guarded.http.js';
import { type GoogleSettings } from './google-settings.js';

export type GoogleOptions = Readonly<{ http: GuardedHttp; clock: Clock; google: GoogleSettings }>;

/** Names the account among all that one process serves; requests of one account wait for each other. */
export const laneOf = ({ subject, refreshToken }: Readonly<Record<string, string>>): string => `google ${subject ?? refreshToken ?? ''}`;
