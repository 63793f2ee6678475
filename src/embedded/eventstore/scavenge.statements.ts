import { type Reading } from './log.database.js';
import { firstVisible, retentionOf } from './retention.js';
import { TOMBSTONE } from './stored-event.js';

/** Streams looked at, and rows erased, by one statement: each is short, also where an event has the largest size, and locks out no append. */
const STREAMS = 500;
const ROWS = 200;

/** Names from `$$` on and below `$%` are those of streams with settings: they compare by their bytes. */
const DESCRIBED = `
  select distinct on (stream) stream, revision, data from event
  where stream > $1 and stream < '$%' order by stream, revision desc limit ${STREAMS}`;

/** Erases what a condition names, but never the newest event of the log: the next position grows from it. */
const erase = async (reading: Reading, condition: string, values: readonly unknown[], stopped: AbortSignal): Promise<number> => {
  for (let erased = 0; ;) {
    if (stopped.aborted) return erased;
    const rows = await reading.query<{ position: bigint }>(
      `delete from event where position = any(array(
        select position from event where ${condition} and position < (select max(position) from event) limit ${ROWS}))
      returning position`,
      values,
    );
    erased += rows.length;
    if (rows.length < ROWS) return erased;
  }
};

type Described = Readonly<{ stream: string; revision: bigint; data: Buffer }>;

const eraseHidden = async (reading: Reading, { stream, revision, data }: Described, stopped: AbortSignal): Promise<number> => {
  const name = stream.slice(2);
  const retention = retentionOf(data);
  // Of its settings a stream has the newest only; of its events the newest always stays: the next revision grows from it.
  let erased = await erase(reading, 'stream = $1 and revision < $2', [stream, revision], stopped);
  const [newest] = await reading.query<{ revision: bigint }>(
    'select revision from event where stream = $1 order by revision desc limit 1',
    [name],
  );
  if (newest === undefined || newest.revision === TOMBSTONE) return erased;
  const first = retention.deleted ? newest.revision : firstVisible(retention, newest.revision);
  const before = first < newest.revision ? first : newest.revision;
  erased += await erase(reading, 'stream = $1 and revision < $2', [name, before], stopped);
  if (retention.maxAge === null) return erased;
  const aged = 'stream = $1 and revision < $2 and created <= (extract(epoch from now()) - $3) * 10000000';
  return erased + (await erase(reading, aged, [name, newest.revision, retention.maxAge], stopped));
};

const eraseEnded = async (reading: Reading, stopped: AbortSignal): Promise<number> => {
  let erased = 0;
  const ended = await reading.query<{ stream: string }>('select stream from event where revision = $1', [TOMBSTONE]);
  for (const { stream } of ended) {
    erased += await erase(reading, 'stream = $1 and revision < $2', [stream, TOMBSTONE], stopped);
    erased += await erase(reading, 'stream = $1', [`$$${stream}`], stopped);
  }
  return erased;
};

/**
 * Erases what no reader of a stream can see any more: what retention hides, all but the newest event of deleted streams, and everything of
 * ended ones but their end. Positions and revisions of what stays do not change. Answers how many events were erased; stops early when told.
 * The room they took is free for what is appended next: a VACUUM that locks nothing, since one that makes the file smaller would lock the log.
 */
export const scavenge = async (reading: Reading, stopped: AbortSignal): Promise<number> => {
  let erased = await eraseEnded(reading, stopped);
  for (let after = '$$'; !stopped.aborted;) {
    const described = await reading.query<Described>(DESCRIBED, [after]);
    for (const each of described) erased += await eraseHidden(reading, each, stopped);
    const last = described.at(-1);
    if (last === undefined) break;
    after = last.stream;
  }
  if (erased > 0 && !stopped.aborted) await reading.query('vacuum event', []);
  return erased;
};
