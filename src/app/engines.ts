import { type AppleSettings } from '../provider/apple/apple-settings.js';
import { type GoogleSettings } from '../provider/google/google-settings.js';
import { type MicrosoftSettings } from '../provider/microsoft/microsoft-settings.js';
import { type Config } from '../config/service.config.js';
import { machineZone, systemClock } from '../infra/system.clock.js';
import { type Log } from '../kernel/log.js';
import { startInOrder, type Stops } from './stops.js';

/**
 * A CalDAV server with made-up accounts: its address, and the origins it may be called at although they are on this machine. `google`, `microsoft`, `apple`: how
 * its Google, its Microsoft and its Sign in with Apple are reached; null where the operator has set the real one.
 */
export type SandboxAddress = Readonly<{
  url: string;
  origins: readonly string[];
  google: GoogleSettings | null;
  microsoft: MicrosoftSettings | null;
  apple: AppleSettings | null;
}>;

/** Where everything is that a process needs to reach; survives being sent to a thread. */
export type EngineAddresses = Readonly<{ databaseUrl: string; eventStoreUrl: string; sandbox: SandboxAddress | null }>;

/** Where the engines are, and how to stop those that were started here. */
export type Engines = EngineAddresses & Readonly<{ stop: () => Promise<void> }>;

type Say = (message: string) => void;

/** The sandbox's Google, after the addresses its people are sent back to. */
const startGoogle = async ({ dataDir, http }: Config, log: Say, port: number) => {
  const { GOOGLE_SANDBOX_CLIENT, startGoogleSandboxAgain } = await import('../embedded/google.sandbox.js');
  const redirectUris = http.publicUrl === null ? [] : [`${http.publicUrl}/v1/calendar/oauth/google/callback`];
  const { url, stop } = await startGoogleSandboxAgain({ dataDir, port, timeZone: machineZone(), clock: systemClock, log, redirectUris });
  const { id: clientId, secret: clientSecret } = GOOGLE_SANDBOX_CLIENT;
  const urls = { authUrl: `${url}o/oauth2/v2/auth`, tokenUrl: `${url}token`, revokeUrl: `${url}revoke`, apiUrl: url.replace(/[/]$/, '') };
  return { settings: { clientId, clientSecret, ...urls }, stop };
};

/** The sandbox's Microsoft, likewise. */
const startMicrosoft = async ({ dataDir, http }: Config, log: Say, port: number) => {
  const { MICROSOFT_SANDBOX_CLIENT, startMicrosoftSandboxAgain } = await import('../embedded/microsoft.sandbox.js');
  const redirectUris = http.publicUrl === null ? [] : [`${http.publicUrl}/v1/calendar/oauth/microsoft/callback`];
  const { url, stop } = await startMicrosoftSandboxAgain({ dataDir, port, timeZone: machineZone(), clock: systemClock, log, redirectUris });
  const { id: clientId, secret: clientSecret } = MICROSOFT_SANDBOX_CLIENT;
  const origin = url.replace(/[/]$/, '');
  return { settings: { clientId, clientSecret, tenant: 'common', loginUrl: origin, graphUrl: origin }, stop };
};

/** The sandbox's Sign in with Apple, before calendars that are the CalDAV sandbox's. */
const startApple = async ({ http }: Config, port: number, caldavUrl: string) => {
  const { startAppleSandbox } = await import('../embedded/apple.sandbox.js');
  const redirectUris = http.publicUrl === null ? [] : [`${http.publicUrl}/v1/calendar/oauth/apple/callback`];
  const { origin, client, stop } = await startAppleSandbox({ port, clock: systemClock, redirectUris });
  return { settings: { ...client, idUrl: origin, caldavUrl }, stop };
};

/** Beside the API's port if those are free: addresses to remember. */
const startSandbox = async (config: Config, log: Say, stops: Stops): Promise<SandboxAddress> => {
  const { dataDir, http } = config;
  const { startSandboxAgain } = await import('../embedded/caldav.sandbox.js');
  const beside = (places: number): number => (http.port === 0 ? 0 : http.port + places);
  const { url, origins, stop } = await startSandboxAgain({ dataDir, port: beside(1), timeZone: machineZone(), clock: systemClock, log });
  stops.push(stop);
  const google = config.google === null ? await startGoogle(config, log, beside(2)) : null;
  if (google !== null) stops.push(google.stop);
  const microsoft = config.microsoft === null ? await startMicrosoft(config, log, beside(3)) : null;
  if (microsoft !== null) stops.push(microsoft.stop);
  const apple = config.apple === null ? await startApple(config, beside(4), url) : null;
  if (apple !== null) stops.push(apple.stop);
  const settings = { google: google?.settings ?? null, microsoft: microsoft?.settings ?? null, apple: apple?.settings ?? null };
  return { url, origins, ...settings };
};

/** The log must not share a database with the read models. */
const LOG_DATABASE = 'eventstore';

type Stores = Pick<EngineAddresses, 'databaseUrl' | 'eventStoreUrl'>;

const startStores = async (
  { dataDir, databaseUrl, eventStoreUrl }: Config,
  { say, onLaunched = () => undefined }: Readonly<{ say: Say; onLaunched?: () => void }>,
  stops: Stops,
): Promise<Stores> => {
  if (databaseUrl !== null && eventStoreUrl !== null) return { databaseUrl, eventStoreUrl };
  const { ownFolder, leaveAddresses } = await import('../embedded/owner.file.js');
  stops.push(await ownFolder(dataDir));
  const database = async (): Promise<string> => {
    if (databaseUrl !== null) return databaseUrl;
    const { startPostgres } = await import('../embedded/postgres.process.js');
    const postgres = await startPostgres({ dataDir, databases: ['juy'], log: say, onLaunched });
    stops.push(postgres.stop);
    return postgres.url('juy');
  };
  const log = async (beside: Promise<string>): Promise<string> => {
    if (eventStoreUrl !== null) return eventStoreUrl;
    const { startEventStore } = await import('../embedded/eventstore.process.js');
    const { databaseBeside } = await import('../embedded/postgres.database.js');
    const store = await startEventStore({ dataDir, databaseUrl: beside.then((url) => databaseBeside(url, LOG_DATABASE)), log: say });
    stops.push(store.stop);
    return store.connectionString;
  };
  const opening = database();
  const [opened, logged] = await Promise.allSettled([opening, log(opening)]);
  if (opened.status === 'rejected') throw opened.reason;
  if (logged.status === 'rejected') throw logged.reason;
  const stores = { databaseUrl: opened.value, eventStoreUrl: logged.value };
  await leaveAddresses(dataDir, stores);
  return stores;
};

const sayTo =
  (log: Log): Say =>
  (message) => {
    log.info(message);
  };

/**
 * Starts what no variable names; the embedded engines are loaded only when they are needed. `onLaunched`: the embedded PostgreSQL, which all
 * others wait for, is on its way, and needs this process no more for a while.
 */
export const startEngines = async (config: Config, log: Log, onLaunched: () => void = () => undefined): Promise<Engines> => {
  const { started, stop } = await startInOrder(async (stops): Promise<EngineAddresses> => {
    const stores = await startStores(config, { say: sayTo(log), onLaunched }, stops);
    if (config.providers === 'live') return { ...stores, sandbox: null };
    return { ...stores, sandbox: await startSandbox(config, sayTo(log), stops) };
  });
  return { ...started, stop };
};

/** For tools: the stores the variables name, else those of the service that runs in this folder, else ones started for the occasion. */
export const reachStores = async (config: Config, log: Log): Promise<Stores & Pick<Engines, 'stop'>> => {
  const { addressesOfOwner } = await import('../embedded/owner.file.js');
  const running = config.databaseUrl === null || config.eventStoreUrl === null ? await addressesOfOwner(config.dataDir) : null;
  if (running === null) {
    const { started, stop } = await startInOrder((stops) => startStores(config, { say: sayTo(log) }, stops));
    return { ...started, stop };
  }
  return {
    databaseUrl: config.databaseUrl ?? running.databaseUrl,
    eventStoreUrl: config.eventStoreUrl ?? running.eventStoreUrl,
    stop: () => Promise.resolve(),
  };
};
