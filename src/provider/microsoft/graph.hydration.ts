import { type TimeRange } from '../../kernel/time-range.js';
import { type Change, ProviderFault } from '../calendar-provider.js';
import { Batch, type Gathered, idOf, partOf, single } from './graph.batch.js';
import { type GraphReader } from './graph.reader.js';
import { seriesOf } from './graph.series.js';
import { type GraphEvent } from './graph.wire.js';

/** Where and for whom series are made whole. `own`: the address of the account, in lower case. */
export type Hydration = Readonly<{ reader: GraphReader; window: TimeRange; own: string | null }>;

/**
 * What a series has become. `pending`: its details could not be had. `ids`: of what it consists now.
 */
export type Hydrated = Readonly<{ changes: readonly Change[]; ids: ReadonlySet<string>; pending: boolean }>;

const gone = (id: string): Hydrated => ({ changes: [{ kind: 'removed', remoteId: id }], ids: new Set(), pending: false });

/** Faults that say nothing of what was asked for: it may be had later. What concerns the whole account or its requests ends the scan. */
const isPassing = (error: unknown): boolean =>
  error instanceof ProviderFault && ['unavailable', 'malformed', 'forbidden', 'conflict'].includes(error.fault);

const orLater = async <T>(work: Promise<T>): Promise<T | 'later'> => {
  try {
    return await work;
  } catch (error) {
    if (isPassing(error)) return 'later';
    throw error;
  }
};

/** The series as one object, and each of its occurrences as part of it. */
const whole = (id: string, { master, sample, occurrences }: Gathered, own: string | null): Hydrated => {
  const template = master ?? sample;
  const object = seriesOf({ id, template, uid: master?.iCalUId ?? null, occurrences: [...occurrences.values()] }, own);
  if (object === null && occurrences.size === 0) return gone(id);
  // None of what was listed has a time that makes sense: it is counted, because it is there.
  const change: Change =
    object === null ? { kind: 'unreadable', remoteId: id, etag: null, code: 'object.bad-time' } : { kind: 'object', object };
  const parts = [...occurrences.keys()].map((occurrence) => partOf(occurrence, id));
  return { changes: [change, ...parts], ids: new Set([id, ...occurrences.keys()]), pending: template === null };
};

const becameSingle = (id: string, event: GraphEvent, own: string | null): Hydrated => ({
  ...{ changes: [single(event, id, own)], ids: new Set([id]), pending: false },
});

/** A series of the urgent days, by what was listed of it. */
export const early = (id: string, gathered: Gathered, own: string | null): readonly Change[] =>
  whole(id, gathered, own).changes.filter(({ kind }) => kind === 'object');

/**
 * A series all of whose occurrences are in the batch. A master that is not is asked for by the calendar's own path: only what that path does not know is
 * gone, and what cannot be told yet is kept as time that is taken.
 */
export const completed = async ({ reader, own }: Hydration, id: string, gathered: Gathered): Promise<Hydrated> => {
  if (gathered.master !== null) return whole(id, gathered, own);
  const master = await orLater(reader.event(id));
  if (master === null) return gone(id);
  if (master === 'later') return whole(id, gathered, own);
  return master.type === 'singleInstance' ? becameSingle(id, master, own) : whole(id, { ...gathered, master }, own);
};

/** `odd`: what was listed and can be asked for by no name, which is counted. */
type Instances = Readonly<{ gathered: Gathered; odd: readonly Change[] }>;

/** Everything that takes place of a series within the window; null where there is no such series. */
const instancesOf = async ({ reader, window, own }: Hydration, id: string): Promise<Instances | null> => {
  const batch = new Batch(own, `${id}-`);
  const odd: Change[] = [];
  try {
    for await (const { value } of reader.instances(id, window)) odd.push(...value.flatMap((row) => batch.take(row)));
  } catch (error) {
    if (error instanceof ProviderFault && error.fault === 'calendar-gone') return null;
    throw error;
  }
  return { gathered: batch.of(id), odd: odd.filter(({ kind }) => kind === 'unreadable') };
};

/** A series of which something changed, read again; `gathered`: what the batch holds of it. While that fails, what is held of it stays. */
export const readAgain = async (hydration: Hydration, id: string, gathered: Gathered, isHeld: boolean): Promise<Hydrated> => {
  const { reader, own } = hydration;
  const master = gathered.master ?? (await orLater(reader.event(id)));
  if (master === null) return gone(id);
  if (master !== 'later' && master.type === 'singleInstance') return becameSingle(id, master, own);
  const instances = master === 'later' ? master : await orLater(instancesOf(hydration, id));
  if (instances === null) return gone(id);
  if (master !== 'later' && instances !== 'later') {
    const { changes, ids, pending } = whole(id, { ...instances.gathered, master }, own);
    return { changes: [...changes, ...instances.odd], ids: new Set([...ids, ...instances.odd.map(idOf)]), pending };
  }
  if (isHeld) return { changes: [], ids: new Set([id]), pending: true };
  return { ...whole(id, { ...gathered, master: master === 'later' ? null : master }, own), pending: true };
};
