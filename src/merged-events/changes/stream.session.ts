import { progressOf, SYNC_RUN_SQL, type SyncRunRow } from '../../sync/progress.js';
import { type Clock, instant, MINUTE, SECOND } from '../../kernel/clock.js';
import { type ReadModels, type Written } from '../../kernel/projection.js';
import { Refused } from '../../kernel/refused.js';
import { type Database } from '../../kernel/sql.js';
import { type ChangeCursor, writeChangeCursor } from './change-cursor.js';
import { type ChangeRow } from './change-row.js';
import { admitChangeCursor, begunAt, endOfChanges, readChanges } from './changes.sql.js';
import { type CalendarChanged, type EventsChanged } from './stream.contract.js';
import { type Message, type StreamWriter } from './stream.writer.js';

export type StreamRuntime = Readonly<{ database: Database; readModels: ReadModels; clock: Clock }>;

/** Whose stream it is, how long they may listen (milliseconds since the epoch), and whether they still may: throws `Refused` when not. */
export type Listener = Readonly<{ userId: string; until: number; recheck: () => Promise<unknown> }>;

const PAGE = 500;
const HEARTBEAT = 15 * SECOND;
const RECHECK = MINUTE;
const PATIENCE = 2 * SECOND;
/** A manual sync that ended this long ago is no news to who has just connected. */
const NEWS = 10 * SECOND;

const summary = (rows: readonly ChangeRow[]): EventsChanged => {
  const starts = rows.flatMap(({ start_at }) => (start_at === null ? [] : [start_at.getTime()]));
  const ends = rows.flatMap(({ end_at }) => (end_at === null ? [] : [end_at.getTime()]));
  const whole = starts.length < rows.length;
  return {
    calendarIds: [...new Set(rows.flatMap(({ calendar_id }) => (calendar_id === null ? [] : [calendar_id])))],
    range: whole ? null : { start: instant(Math.min(...starts)), end: instant(Math.max(...ends)) },
    changes: rows.length,
  };
};

const messagesOf = (rows: readonly ChangeRow[]): readonly Message[] => {
  const events = rows.filter(({ change }) => change !== 'connection-changed' && change !== 'calendar-changed');
  const again = new Set(rows.flatMap(({ change, calendar_id: id }) => (change === 'calendar-changed' && id !== null ? [id] : [])));
  const connections = new Set(rows.flatMap(({ connection_id }) => (connection_id === null ? [] : [connection_id])));
  return [
    ...[...connections].map((connectionId) => ({ event: 'connection-changed', data: { connectionId } })),
    ...[...again].map((calendarId) => ({ event: 'calendar-changed', data: { calendarId } satisfies CalendarChanged })),
    ...(events.length === 0 ? [] : [{ event: 'events-changed', data: summary(events) }]),
  ];
};

/** What the read models of connections must have reached to show them as these rows tell. */
const toldOfConnections = (rows: readonly ChangeRow[]): Written =>
  Object.fromEntries(rows.flatMap(({ category, position }) => (category === null ? [] : [[category, BigInt(position)]])));

/** One client's stream: tells what changed since its cursor, then waits to be woken. It keeps a cursor and no queue. */
export class StreamSession {
  private readonly told = new Map<string, string>();
  private awake = true;
  private ended = false;
  private rouse: () => void = () => undefined;

  private constructor(
    private readonly runtime: StreamRuntime,
    private readonly listener: Listener,
    private readonly writer: StreamWriter,
    private cursor: ChangeCursor,
    private begun: number | null,
  ) {}

  /** `lastEventId`: where the client was; one that cannot be resumed from is answered with `resync`, since a browser cannot mend it. */
  static async open(runtime: StreamRuntime, listener: Listener, writer: StreamWriter, lastEventId: string | null): Promise<StreamSession> {
    const now = runtime.clock.now();
    // Looked up before the cursor is admitted: a rebuild that ends in between is seen by the first look at the changes.
    const begun = await begunAt(runtime.database);
    let code: string | null = null;
    let cursor: ChangeCursor | null = null;
    try {
      cursor = lastEventId === null ? null : await admitChangeCursor(runtime.database, lastEventId, now);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      code = error.code;
    }
    cursor ??= await endOfChanges(runtime.database, now);
    const session = new StreamSession(runtime, listener, writer, cursor, begun);
    if (code !== null) await session.resync(code);
    else await writer.beat(writeChangeCursor(cursor));
    return session;
  }

  wake(): void {
    this.awake = true;
    this.rouse();
  }

  end(): void {
    this.ended = true;
    this.rouse();
  }

  /** Until the client goes, its right ends, or the process stops. */
  async run(): Promise<void> {
    let checked = this.runtime.clock.now();
    while (!this.ended) {
      this.awake = false;
      if (!(await this.tellRebuild()) || !(await this.tellChanges()) || !(await this.tellProgress())) break;
      await this.rest();
      const now = this.runtime.clock.now();
      if (now >= this.listener.until) break;
      if (now - checked < RECHECK) continue;
      checked = now;
      if (!(await this.mayListen())) break;
    }
    this.writer.end();
  }

  private async mayListen(): Promise<boolean> {
    try {
      await this.listener.recheck();
      return true;
    } catch (error) {
      // A token stays good while the identity provider cannot be reached.
      return error instanceof Refused && error.status === 503;
    }
  }

  /** Sleeps until woken; when nothing happens, a heartbeat ends it. */
  private async rest(): Promise<void> {
    if (this.awake || this.ended) return;
    const pause = Math.min(HEARTBEAT, Math.max(0, this.listener.until - this.runtime.clock.now()));
    const woken = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(resolve, pause, false);
      this.rouse = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
    if (!woken && !(await this.writer.beat(writeChangeCursor(this.cursor)))) this.ended = true;
  }

  private resync(code: string): Promise<boolean> {
    return this.writer.send({ event: 'resync', data: { code }, id: writeChangeCursor(this.cursor) });
  }

  /** The changes no longer tell what came before a rebuild: everything has to be read again. */
  private async tellRebuild(): Promise<boolean> {
    const { database, clock } = this.runtime;
    const begun = await begunAt(database);
    if (begun === this.begun) return true;
    this.begun = begun;
    this.cursor = await endOfChanges(database, clock.now());
    return this.resync('changes.cursor-expired');
  }

  private async tellChanges(): Promise<boolean> {
    const { database, clock, readModels } = this.runtime;
    for (;;) {
      const { rows, reached, more } = await readChanges(database, this.listener.userId, this.cursor, PAGE, clock.now());
      const messages = messagesOf(rows);
      // A client that asks for the connection now must find it as it was told.
      await readModels.reached(['connections', 'calendars'], toldOfConnections(rows), PATIENCE);
      this.cursor = reached;
      for (const [index, message] of messages.entries()) {
        const last = index === messages.length - 1;
        if (!(await this.writer.send(last ? { ...message, id: writeChangeCursor(reached) } : message))) return false;
      }
      if (!more) return true;
    }
  }

  private async tellProgress(): Promise<boolean> {
    const { database, clock } = this.runtime;
    const since = instant(clock.now() - NEWS);
    const rows = await database.query<SyncRunRow>(SYNC_RUN_SQL, [this.listener.userId, null, since]);
    const ids = [...new Set(rows.map(({ sync_id }) => sync_id))];
    for (const syncId of this.told.keys()) if (!ids.includes(syncId)) this.told.delete(syncId);
    for (const syncId of ids) {
      const data = progressOf(
        syncId,
        rows.filter(({ sync_id }) => sync_id === syncId),
      );
      const text = JSON.stringify(data);
      if (this.told.get(syncId) === text) continue;
      this.told.set(syncId, text);
      if (!(await this.writer.send({ event: 'sync-progress', data }))) return false;
    }
    return true;
  }
}
