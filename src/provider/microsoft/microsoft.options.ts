import { type Clock } from '../../kernel/clock.js';
import { type Lane } from '../budget.js';
import { type GuardedHttp } from '../http/guarded.http.js';
import { REGISTRY } from '../registry.js';
import { type MicrosoftSettings } from './microsoft-settings.js';

export type MicrosoftOptions = Readonly<{ http: GuardedHttp; clock: Clock; microsoft: MicrosoftSettings }>;

/** An account by what is known of it, among all there are; requests of one account wait for each other. */
export const laneNamed = (name: string): Lane => ({
  account: `microsoft ${name}`,
  aMinute: REGISTRY.microsoft.requestsAMinute,
  atOnce: REGISTRY.microsoft.requestsAtOnce,
});

export const laneOf = ({ subject, refreshToken }: Readonly<Record<string, string>>): Lane => laneNamed(subject ?? refreshToken ?? '');
