import { type Connection, type Pool, type PoolClient, type Submittable } from 'pg';
import { type StoredEvent } from './stored-event.js';

/** The columns of an event in the order `eventOf` reads them. */
export const COLUMNS = 'position, stream, revision, id, type, json, data, metadata, created';

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');

/** Where the first row begins: COPY's header stands before it in the same message. */
const start = (chunk: Buffer): number =>
  chunk.length >= 19 && chunk.subarray(0, SIGNATURE.length).equals(SIGNATURE) ? 19 + chunk.readUInt32BE(15) : 0;

const uuidOf = (row: Buffer, at: number): string => {
  const hex = row.toString('hex', at, at + 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
};

/** One row of COPY's binary format (PostgreSQL, COPY, "Tuples"); null at the end. No column may be null. */
const eventOf = (chunk: Buffer): StoredEvent | null => {
  const from = start(chunk);
  if (chunk.readInt16BE(from) === -1) return null;
  // The driver reuses its buffer for what comes next.
  const row = Buffer.from(chunk.subarray(from + 2));
  let at = 0;
  /** Steps over the next column; answers where it begins. It ends where the one after it has its length. */
  const next = (): number => {
    const begin = at + 4;
    at = begin + row.readInt32BE(at);
    return begin;
  };
  const position = row.readBigInt64BE(next());
  const stream = row.toString('utf8', next(), at);
  const revision = row.readBigInt64BE(next());
  const id = uuidOf(row, next());
  const type = row.toString('utf8', next(), at);
  const json = row[next()] === 1;
  const data = row.subarray(next(), at);
  const metadata = row.subarray(next(), at);
  const created = row.readBigInt64BE(next());
  return { position, stream, revision, id, type, json, data, metadata, created };
};

/** A COPY … TO STDOUT as pg's client runs queries of other libraries: it calls these methods. */
class CopyOut implements Submittable {
  readonly events: StoredEvent[] = [];
  constructor(
    private readonly text: string,
    private readonly finish: (error: Error | null) => void,
  ) {}

  submit(connection: Connection): void {
    (connection as unknown as { query: (text: string) => void }).query(this.text);
  }

  handleCopyData({ chunk }: Readonly<{ chunk: Buffer }>): void {
    const event = eventOf(chunk);
    if (event !== null) this.events.push(event);
  }

  handleCommandComplete(): void {
    // What follows, that the server is ready again, is the end.
  }

  handleReadyForQuery(): void {
    this.finish(null);
  }

  handleError(error: Error): void {
    this.finish(error);
  }
}

const copyWith = (client: PoolClient, select: string): Promise<readonly StoredEvent[]> =>
  new Promise((resolve, reject) => {
    const copy = new CopyOut(`copy (${select}) to stdout (format binary)`, (error) => {
      if (error === null) resolve(copy.events);
      else reject(error);
    });
    client.query(copy);
  });

/** The events a statement selects, `COLUMNS` and nothing else. In binary: as text, data would come twice as long and be read three times. */
export const copyEvents = async (pool: Pool, select: string): Promise<readonly StoredEvent[]> => {
  const client = await pool.connect();
  try {
    const events = await copyWith(client, select);
    client.release();
    return events;
  } catch (error) {
    client.release(error instanceof Error ? error : true);
    throw error;
  }
};
