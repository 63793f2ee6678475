import { type Change } from '../calendar-provider.js';
import { UnreadableObject } from '../unreadable-object.js';
import { singleOf } from './graph.mapping.js';
import { type Occurrence } from './graph.series.js';
import { type GraphEvent, readEvent } from './graph.wire.js';

/** What Graph lists without an id can be asked for by no name. */
const NO_ID = 'object.bad-address';

export const idOf = (change: Change): string => (change.kind === 'object' ? change.object.remoteId : change.remoteId);

/** What marks an occurrence as part of a series among what is known, so that a row that names only the occurrence leads to its series. */
const OF = 'of:';

export const partOf = (id: string, series: string): Change => ({ kind: 'other', remoteId: id, etag: `${OF}${series}` });

/** The series of what is known by this etag; null for what is an object of its own. */
export const seriesIn = (etag: string | null | undefined): string | null => (etag?.startsWith(OF) === true ? etag.slice(OF.length) : null);

/** An event that happens once, as a change. What makes no sense is `unreadable` and hides nothing else. */
export const single = (event: GraphEvent, id: string, own: string | null): Change => {
  try {
    return { kind: 'object', object: singleOf(event, id, own) };
  } catch (error) {
    if (!(error instanceof UnreadableObject)) throw error;
    return { kind: 'unreadable', remoteId: id, etag: event['@odata.etag'], code: error.code };
  }
};

/** What a batch holds of one series. `sample`: an occurrence that came with its details. */
export type Gathered = { master: GraphEvent | null; sample: GraphEvent | null; readonly occurrences: Map<string, Occurrence> };

const modified = (event: GraphEvent | null | undefined): number => Date.parse(event?.lastModifiedDateTime ?? '') || 0;

const hasDetails = (event: GraphEvent): boolean => event.subject !== null || event.showAs !== null || event.iCalUId !== null;

/**
 * The rows of a round, which come in any order and more than once: of an event told twice the one that was modified last counts, and what came as removed
 * is kept apart, because it may have come as something else too.
 */
export class Batch {
  readonly singles = new Map<string, number>();
  readonly series = new Map<string, Gathered>();
  readonly removed = new Set<string>();
  private nameless = 0;

  /** `part`: the id of the series all of whose rows these are; empty where they are a calendar's. */
  constructor(
    private readonly own: string | null,
    private readonly part = '',
  ) {}

  /** The changes that a row tells at once: those of an event that happens once. */
  take(row: unknown): readonly Change[] {
    const event = readEvent(row);
    const id = event?.id ?? null;
    if (event === null || id === null || id === '')
      return [{ kind: 'unreadable', remoteId: `nameless-${this.part}${(this.nameless += 1)}`, etag: null, code: NO_ID }];
    if (event['@removed'] !== undefined && event['@removed'] !== null) {
      this.removed.add(id);
      return [];
    }
    if (event.type === 'seriesMaster') this.takeMaster(id, event);
    else if (event.seriesMasterId !== null && event.type !== 'singleInstance') this.takeOccurrence(id, event, event.seriesMasterId);
    else return this.takeSingle(id, event);
    return [];
  }

  /** The series by its id, which is new to the batch where it is not there. */
  of(series: string): Gathered {
    const known = this.series.get(series) ?? { master: null, sample: null, occurrences: new Map<string, Occurrence>() };
    this.series.set(series, known);
    return known;
  }

  private takeMaster(id: string, event: GraphEvent): void {
    const known = this.of(id);
    if (known.master === null || modified(event) >= modified(known.master)) known.master = event;
  }

  private takeOccurrence(id: string, event: GraphEvent, series: string): void {
    const known = this.of(series);
    const before = known.occurrences.get(id);
    if (event.type === 'occurrence' && known.sample === null && hasDetails(event)) known.sample = event;
    if (before !== undefined && modified(event) < modified(before.exception)) return;
    const exception = event.type === 'exception' ? event : null;
    known.occurrences.set(id, { id, start: event.start, end: event.end, exception });
  }

  private takeSingle(id: string, event: GraphEvent): readonly Change[] {
    const before = this.singles.get(id);
    if (before !== undefined && modified(event) < before) return [];
    this.singles.set(id, modified(event));
    return [single(event, id, this.own)];
  }
}
