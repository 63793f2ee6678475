import { createHash } from 'node:crypto';
import { type SandboxCalendar } from './account.js';

export type StoredObject = Readonly<{ name: string; ics: string; etag: string }>;

/** What became of an object; null: it is deleted. */
export type StoredChange = Readonly<{ name: string; object: StoredObject | null; revision: number }>;

/** One calendar in memory, with a history as short as its list of objects: of each only the last change. */
export type CalendarStore = Readonly<{
  about: Omit<SandboxCalendar, 'objects'>;
  /** Grows by one with every change. */
  revision: () => number;
  get: (name: string) => StoredObject | null;
  list: () => readonly StoredObject[];
  put: (name: string, ics: string) => StoredObject;
  /** Whether there was such an object. */
  delete: (name: string) => boolean;
  /** What changed after a revision, the oldest change first. */
  changesSince: (revision: number) => readonly StoredChange[];
}>;

// Of the content, so that the same text has the same etag after a restart, and another text never has.
const etagOf = (ics: string): string => `"${createHash('sha256').update(ics).digest('base64url').slice(0, 22)}"`;

export const calendarStore = ({ objects, ...about }: SandboxCalendar): CalendarStore => {
  const changes = new Map<string, StoredChange>();
  let revision = 0;

  const record = (name: string, object: StoredObject | null): void => {
    revision += 1;
    // Deleted first: a map keeps the place of a key it has, and the order of changes is what is asked for.
    changes.delete(name);
    changes.set(name, { name, object, revision });
  };
  const get = (name: string): StoredObject | null => changes.get(name)?.object ?? null;
  const put = (name: string, ics: string): StoredObject => {
    const object = { name, ics, etag: etagOf(ics) };
    record(name, object);
    return object;
  };
  for (const [name, ics] of objects) put(name, ics);

  return {
    about,
    revision: () => revision,
    get,
    list: () => [...changes.values()].flatMap(({ object }) => object ?? []),
    put,
    delete: (name) => {
      if (get(name) === null) return false;
      record(name, null);
      return true;
    },
    changesSince: (since) => [...changes.values()].filter((change) => change.revision > since),
  };
};
