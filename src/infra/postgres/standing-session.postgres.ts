import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Log } from '../../kernel/log.js';

/** `prepare` runs on every new connection; `onNotice` hears what it is notified of, `onLoss` that it has been lost. */
export type Standing = Readonly<{
  prepare: (client: pg.Client) => Promise<void>;
  onNotice?: (payload: string | null) => void;
  onLoss?: () => void;
}>;

/** In milliseconds; without it a connection to a server that was killed in the middle of a handshake would wait without end. */
const PATIENCE = 5_000;
const PAUSE = 500;

type Life = Readonly<{ client: pg.Client; ended: Promise<void> }>;

const begin = async (url: string, { prepare, onNotice }: Standing): Promise<Life> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: PATIENCE, query_timeout: PATIENCE, keepAlive: true });
  const ended = new Promise<void>((resolve) => client.once('end', resolve));
  client.on('error', () => undefined);
  client.on('notification', ({ payload }) => {
    onNotice?.(payload ?? null);
  });
  try {
    await client.connect();
    await prepare(client);
  } catch (error) {
    void client.end().catch(() => undefined);
    throw error;
  }
  return { client, ended };
};

/**
 * Keeps one connection outside the pool, for what lives as long as a session (LISTEN, advisory locks): opens it, and opens it again whenever it
 * is lost, until it is closed by the function this answers.
 */
export const standingSession = (url: string, standing: Standing, log: Log): (() => Promise<void>) => {
  const stopping = new AbortController();
  const closing = (): boolean => stopping.signal.aborted;
  let life: Life | null = null;

  const keep = async (): Promise<void> => {
    while (!closing()) {
      try {
        life = await begin(url, standing);
        // Told to close while it was being opened.
        if (closing()) await life.client.end();
        await life.ended;
        if (!closing()) standing.onLoss?.();
      } catch (error) {
        log.error('a standing database connection could not be opened and is tried again', error);
      }
      await sleep(PAUSE, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const keeping = keep();
  return async () => {
    stopping.abort();
    await life?.client.end().catch(() => undefined);
    await keeping;
  };
};
