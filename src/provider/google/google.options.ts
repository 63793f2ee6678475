import { type Clock } from '../../kernel/clock.js';
import { type Lane } from '../budget.js';
import { type GuardedHttp } from '../http/guarded.http.js';
import { REGISTRY } from '../registry.js';
import { type GoogleSettings } from './google-settings.js';

export type GoogleOptions = Readonly<{ http: GuardedHttp; clock: Clock; google: GoogleSettings }>;

/** An account by what is known of it, among all there are; requests of one account wait for each other. */
export const laneNamed = (name: string): Lane => ({
  account: `google ${name}`,
  aMinute: REGISTRY.google.requestsAMinute,
  atOnce: REGISTRY.google.requestsAtOnce,
});

export const laneOf = ({ subject, refreshToken }: Readonly<Record<string, string>>): Lane => laneNamed(subject ?? refreshToken ?? '');
