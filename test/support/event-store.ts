import { randomUUID } from 'node:crypto';
import { type EventData, EventStoreDBClient, jsonEvent, type ResolvedEvent } from '@eventstore/db-client';
import { startEngines } from './engines.js';

/** A store under test: the one `EVENTSTORE_URL` names, else the embedded server with an empty log. */
export type StoreUnderTest = Readonly<{ url: string; client: EventStoreDBClient; stop: () => Promise<void> }>;

export const openStore = async (): Promise<StoreUnderTest> => {
  const given = process.env['EVENTSTORE_URL'];
  const engines = given === undefined || given === '' ? await startEngines() : null;
  const url = engines?.eventStoreUrl ?? given ?? '';
  const client = EventStoreDBClient.connectionString(url);
  return {
    url,
    client,
    stop: async () => {
      await client.dispose();
      await engines?.stop();
    },
  };
};

export const noted = (text: string, type = 'Noted'): EventData => jsonEvent({ type, data: { text }, metadata: { actor: 'a' } });

/** A new stream with these notes in it; with none it does not exist yet. */
export const streamOf = async (client: EventStoreDBClient, ...texts: readonly string[]): Promise<string> => {
  const stream = `note-${randomUUID()}`;
  if (texts.length > 0)
    await client.appendToStream(
      stream,
      texts.map((text) => noted(text)),
      { expectedRevision: 'no_stream' },
    );
  return stream;
};

const textOf = ({ event }: ResolvedEvent): string => (event?.data as { text: string }).text;

export const whole = async (events: AsyncIterable<ResolvedEvent>): Promise<readonly ResolvedEvent[]> => {
  const all: ResolvedEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
};

export const collect = async (events: AsyncIterable<ResolvedEvent>): Promise<readonly string[]> => (await whole(events)).map(textOf);

/** Reads from a subscription until `enough` is true for what has come. */
export const until = async (
  events: AsyncIterable<ResolvedEvent>,
  enough: (texts: readonly string[]) => boolean,
): Promise<readonly string[]> => {
  const texts: string[] = [];
  for await (const event of events) {
    texts.push(textOf(event));
    if (enough(texts)) break;
  }
  return texts;
};
