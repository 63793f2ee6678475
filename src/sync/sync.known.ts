import { type Sql } from '../kernel/sql.js';
import { type Run } from './sync.context.js';
import { refOf } from './upsert.js';

/** What `remote_object` holds of a calendar. Looked up for some objects at a time: all of it may be a hundred thousand rows. */
export type Known = Readonly<{
  /** The content hashes of those of some references that are held; null of one whose content is not. */
  hashes: (refs: readonly string[]) => Promise<ReadonlyMap<string, string | null>>;
  /** The same for etags, by remote id; null of what is to be read again whenever it is listed. */
  etags: (remoteIds: readonly string[]) => Promise<ReadonlyMap<string, string | null>>;
  /** How many objects were held when this was opened. */
  held: number;
  /** All references, some at a time. */
  refs: () => AsyncGenerator<readonly string[], void>;
}>;

const PAGE = 5_000;

type Row = Readonly<{ ref: string; etag: string | null; hash: string | null }>;

const NOTHING: ReadonlyMap<string, string | null> = new Map();

/** How many objects of a calendar are held. */
export const countHeld = async (sql: Sql, calendarId: string): Promise<number> => {
  const [counted] = await sql.query<{ count: string }>('select count(*) from remote_object where calendar_id = $1', [calendarId]);
  return Number(counted?.count ?? 0);
};

/** `held`: as `countHeld` answers. */
export const openKnown = ({ runtime: { database }, row, ink, sealer }: Run, held: number): Known => {
  const calendarId = row.calendar_id;
  // What this very run brings it knows itself.
  const isEmpty = held === 0;
  const look = (refs: readonly string[]): Promise<readonly Row[]> =>
    database.query<Row>('select ref, etag, hash from remote_object where calendar_id = $1 and ref = any($2)', [calendarId, refs]);
  return {
    held,
    hashes: async (refs) => (isEmpty || refs.length === 0 ? NOTHING : new Map((await look(refs)).map(({ ref, hash }) => [ref, hash]))),
    etags: async (remoteIds) => {
      if (isEmpty || remoteIds.length === 0) return NOTHING;
      const names = new Map(remoteIds.map((remoteId) => [refOf(ink, remoteId), remoteId]));
      const rows = await look([...names.keys()]);
      return new Map(rows.map(({ ref, etag }) => [names.get(ref) ?? '', etag === null ? null : sealer.open(`etag:${ref}`, etag)]));
    },
    refs: async function* () {
      for (let last = ''; ;) {
        const rows = await database.query<{ ref: string }>(
          'select ref from remote_object where calendar_id = $1 and ref > $2 order by ref limit $3',
          [calendarId, last, PAGE],
        );
        const refs = rows.map(({ ref }) => ref);
        yield refs;
        if (refs.length < PAGE) return;
        last = refs.at(-1) ?? last;
      }
    },
  };
};
