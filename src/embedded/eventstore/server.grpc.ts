import { ServerFeaturesService } from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { setTimeout as pause } from 'node:timers/promises';
import { type Engine, type Log } from '../engine.js';
import { basicAuth } from './basic-auth.interceptor.js';
import { batchAppend } from './batch-append.calls.js';
import { getSupportedMethods } from './features.calls.js';
import { openReading } from './log.database.js';
import { createReader } from './log.reader.js';
import { startWriter } from './log.writer.js';
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

/** Events kept for live readers. */
const TAIL = 4_096;
const MAX_MESSAGE_BYTES = 17 * 1_048_576;
/** The port may be held for a moment by a server that a killed service left behind. */
const BIND_ATTEMPTS = 100;

const bind = async (server: Server, port: number, credentials: ServerCredentials): Promise<void> => {
  for (let attempt = 1; ; attempt += 1) {
    const error = await new Promise<Error | null>((resolve) => {
      server.bindAsync(`127.0.0.1:${port}`, credentials, resolve);
    });
    if (error === null) return;
    if (attempt === BIND_ATTEMPTS) throw error;
    await pause(100);
  }
};

/** Serves the log over EventStoreDB's protocol; resolves when clients may connect. */
export const startServer = async ({ databaseUrl, port, user, password, certificate, key }: ServerOptions, log: Log): Promise<Engine> => {
  const tail = createTail(TAIL);
  const writer = await startWriter(databaseUrl, tail, log);
  const reading = openReading(databaseUrl);
  const reader = createReader(reading);
  const server = new Server({
    interceptors: [basicAuth(user, password)],
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  });
  server.addService(StreamsService, {
    read: read(reader, tail),
    append: append(writer),
    batchAppend: batchAppend(writer),
    delete: remove(writer),
    tombstone: tombstone(writer),
  });
  server.addService(ServerFeaturesService, { getSupportedMethods });
  const pem = { private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) };
  await bind(server, port, ServerCredentials.createSsl(null, [pem]));
  return {
    stop: async () => {
      await writer.stop();
      server.forceShutdown();
      await reading.close();
    },
  };
};
