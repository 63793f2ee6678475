import { type HealthChecks } from '../kernel/health.js';
import { type Log } from '../kernel/log.js';
import { type CalendarProvider, ProviderFault, type Providers } from '../provider/calendar-provider.js';
import { type Identity } from '../provider/identity.js';
import { type OAuth, OAuthRefused } from '../provider/oauth.js';
import { type Push } from '../provider/push.js';

/** What calendar services say that the operator of this service has set wrong, each until the same is asked for again and succeeds. */
export type OperatorMistakes = Readonly<{
  /** The providers, whose answers are watched. */
  providers: Providers;
  /** Adds a check for each provider whose tokens are renewed, `<name> <part>`: what is wrong there lets everything else go on. */
  addChecks: (health: Pick<HealthChecks, 'add'>, part: string) => void;
}>;

const mistakeIn = (error: unknown): string | null => {
  if (error instanceof ProviderFault && error.fault === 'misconfigured') return error.detail;
  return error instanceof OAuthRefused && error.operator ? (error.mend ?? error.detail) : null;
};

/** Mistakes of one provider, by what was asked of it. */
type Known = Readonly<{
  note: (operation: string, error: unknown) => void;
  forget: (operation: string) => void;
  all: () => readonly string[];
}>;

const knownOf = (name: string, log: Pick<Log, 'error'>): Known => {
  const mistakes = new Map<string, string>();
  return {
    note: (operation, error) => {
      const mistake = mistakeIn(error);
      if (mistake === null) return;
      if (mistakes.get(operation) !== mistake) log.error('a calendar service refuses what the operator has set', error, { provider: name });
      mistakes.set(operation, mistake);
    },
    forget: (operation) => {
      mistakes.delete(operation);
    },
    all: () => [...new Set(mistakes.values())],
  };
};

const watching =
  ({ note, forget }: Known) =>
  async <T>(operation: string, work: () => Promise<T>): Promise<T> => {
    try {
      const done = await work();
      forget(operation);
      return done;
    } catch (error) {
      note(operation, error);
      throw error;
    }
  };

const watchedOAuth = (oauth: OAuth, known: Known): OAuth => {
  const watch = watching(known);
  return {
    authorizationUrl: oauth.authorizationUrl,
    complete: (...call) => watch('complete', () => oauth.complete(...call)),
    refresh: (...call) => watch('refresh', () => oauth.refresh(...call)),
  };
};

const watchedIdentity = (identity: Identity, known: Known): Identity => ({
  ...identity,
  complete: (...call) => watching(known)('sign-in', () => identity.complete(...call)),
});

/** An address that a service sends no notifications to is the operator's to mend. */
const watchedPush = (push: Push, known: Known): Push => ({
  ...push,
  open: (...call) => watching(known)('watch', () => push.open(...call)),
});

const watchedProvider = (provider: CalendarProvider, known: Known): CalendarProvider => ({
  ...provider,
  oauth: provider.oauth === null ? null : watchedOAuth(provider.oauth, known),
  identity: provider.identity === null ? null : watchedIdentity(provider.identity, known),
  push: provider.push === null ? null : watchedPush(provider.push, known),
  discover: (...call) => watching(known)('discover', () => provider.discover(...call)),
  scan: async function* (...call) {
    try {
      const end = yield* provider.scan(...call);
      known.forget('scan');
      return end;
    } catch (error) {
      known.note('scan', error);
      throw error;
    }
  },
});

export const operatorMistakes = (unwatched: Providers, log: Pick<Log, 'error'>): OperatorMistakes => {
  const known = new Map([...unwatched.keys()].map((name) => [name, knownOf(name, log)]));
  const of = (name: string): Known => known.get(name) ?? knownOf(name, log);
  return {
    providers: new Map([...unwatched].map(([name, provider]) => [name, watchedProvider(provider, of(name))])),
    addChecks: (health, part) => {
      for (const [name, { oauth, identity }] of unwatched)
        if (oauth !== null || identity !== null)
          health.add(`${name} ${part}`, () => {
            const mistakes = of(name).all();
            return mistakes.length === 0 ? { ok: true } : { ok: false, isPartial: true, detail: mistakes.join('; ') };
          });
    },
  };
};
