import { type Engine, type Log } from '../engine.js';
import { allowanceOf } from './allowance.js';
import { basicAuth } from './basic-auth.check.js';
import { batchAppend } from './batch-append.calls.js';
import { supportedMethods } from './features.calls.js';
import { gossipRead } from './gossip.calls.js';
import { type Handler, startGrpc } from './grpc.server.js';
import { openReading } from './log.database.js';
import { createReader } from './log.reader.js';
import { startWriter } from './log.writer.js';
import { scavenging } from './operations.calls.js';
import { read } from './read.calls.js';
import { createTail } from './tail.js';
import { append, remove, tombstone } from './write.calls.js';

export type ServerOptions = Readonly<{
  /** Connection string of the database the log is in. */
  databaseUrl: string;
  port: number;
  user: string;
  password: string;
  /** PEM. */
  certificate: string;
  /** PEM. */
  key: string;
}>;

const STREAMS = '/event_store.client.streams.Streams';
const OPERATIONS = '/event_store.client.operations.Operations';
/** The client asks these before it says who it is, of a real server too: they answer names of methods and where the server is. */
const FEATURES = '/event_store.client.server_features.ServerFeatures/GetSupportedMethods';
const GOSSIP = '/event_store.client.gossip.Gossip/Read';
const OPEN_TO_ALL: readonly string[] = [FEATURES, GOSSIP];

/** Bytes of events kept for live readers, and of appends whose last message has not come. */
const TAIL = 8 * 1_048_576;
const UNFINISHED = 64 * 1_048_576;

/** Serves the log over EventStoreDB's protocol; resolves when clients may connect. */
export const startServer = async ({ databaseUrl, port, user, password, certificate, key }: ServerOptions, log: Log): Promise<Engine> => {
  const tail = createTail(TAIL);
  const writer = await startWriter(databaseUrl, tail, log);
  const reading = openReading(databaseUrl);
  const scavenges = scavenging(reading, writer);
  const calls: readonly (readonly [path: string, handler: Handler])[] = [
    [`${STREAMS}/Read`, read(createReader(reading), tail)],
    [`${STREAMS}/Append`, append(writer)],
    [`${STREAMS}/BatchAppend`, batchAppend(writer, allowanceOf(UNFINISHED))],
    [`${STREAMS}/Delete`, remove(writer)],
    [`${STREAMS}/Tombstone`, tombstone(writer)],
    [`${OPERATIONS}/StartScavenge`, scavenges.start],
    [`${OPERATIONS}/StopScavenge`, scavenges.halt],
    [GOSSIP, gossipRead(port)],
  ];
  const handlers = new Map([...calls, [FEATURES, supportedMethods(calls.map(([path]) => path))]]);
  const knows = basicAuth(user, password);
  const isAllowed = (path: string, authorization: string | undefined): boolean => OPEN_TO_ALL.includes(path) || knows(authorization);
  const server = await startGrpc({ port, certificate, key, handlers, isAllowed });
  return {
    stop: async () => {
      await scavenges.stop();
      await server.stop(writer.stop);
      await reading.close();
    },
  };
};
