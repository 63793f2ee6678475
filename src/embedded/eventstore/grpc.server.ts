import { createSecureServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { setTimeout as pause } from 'node:timers/promises';
import { allowanceOf } from './allowance.js';
import { type Call, type Ending, openCall } from './grpc.call.js';
import { Fault, STATUS, timeoutOf } from './grpc-status.js';

/** Answers a call by what it sends; returns when it is done, throws a `Fault` when it fails. */
export type Handler = (call: Call) => Promise<void>;

export type GrpcOptions = Readonly<{
  port: number;
  /** PEM. */
  certificate: string;
  /** PEM. */
  key: string;
  /** By path, `/package.Service/Method`. */
  handlers: ReadonlyMap<string, Handler>;
  /** Whether a call to a path may be made by who sends this `authorization`. */
  isAllowed: (path: string, authorization: string | undefined) => boolean;
}>;

/** `stop` refuses new calls, lets `finish` answer what it can, ends all others as cancelled and closes. */
export type GrpcServer = Readonly<{ stop: (finish: () => Promise<void>) => Promise<void> }>;

/** Limits that keep a hostile client's share of memory bounded. */
const CONNECTIONS = 1_000;
const STREAMS = 256;
const HELD = 128 * 1_048_576;
const HEADER_BYTES = 16_384;
const HANDSHAKE = 10_000;
/** Megabytes node allows a connection for streams, headers and what is not sent yet. */
const SESSION_MEMORY = 64;
/** What a client may send ahead: a large append comes in one go. */
const STREAM_WINDOW = 1_048_576;
const CONNECTION_WINDOW = 4 * 1_048_576;
/** A connection whose other end does not answer a ping until the next is dropped; in milliseconds. */
const PING = 30_000;
/** The port may be held for a moment by a server that a killed service left behind. */
const BIND_ATTEMPTS = 100;
const FAREWELL = 1_000;

const keepAlive = (session: ServerHttp2Session): void => {
  let answered = true;
  const timer = setInterval(() => {
    if (!answered) {
      session.destroy();
      return;
    }
    answered = false;
    session.ping(() => {
      answered = true;
    });
  }, PING);
  session.once('close', () => {
    clearInterval(timer);
  });
};

const faultOf = (error: unknown): Fault =>
  error instanceof Fault ? error : new Fault(STATUS.unavailable, 'The event store cannot do this just now.');

const settle = async ({ call, end }: Ending, handler: Handler): Promise<void> => {
  try {
    await handler(call);
    end(null);
  } catch (error) {
    end(faultOf(call.signal.aborted ? call.signal.reason : error));
  }
};

const withDeadline = (ending: Ending, timeout: number | null): (() => void) => {
  // A timer cannot wait longer than 2^31 - 1 ms; such a deadline is none.
  if (timeout === null || timeout > 2_147_483_647) return () => undefined;
  const timer = setTimeout(() => {
    const late = new Fault(STATUS.deadlineExceeded, 'The deadline has passed.');
    ending.abort(late);
    ending.end(late);
  }, timeout);
  return () => {
    clearTimeout(timer);
  };
};

const single = (header: string | string[] | undefined): string | undefined => (typeof header === 'string' ? header : undefined);

type State = { stopping: boolean; readonly open: Set<Ending> };

const dispatch = ({ handlers, isAllowed }: GrpcOptions, state: State, ending: Ending, headers: IncomingHttpHeaders): void => {
  const path = headers[':path'] ?? '';
  const handler = handlers.get(path);
  if (state.stopping) ending.end(new Fault(STATUS.unavailable, 'The event store is stopping.'));
  else if (!isAllowed(path, headers.authorization)) ending.end(new Fault(STATUS.unauthenticated, 'Not authenticated.'));
  else if (handler === undefined) ending.end(new Fault(STATUS.unimplemented, 'The event store does not know this method.'));
  else {
    state.open.add(ending);
    const forget = withDeadline(ending, timeoutOf(single(headers['grpc-timeout'])));
    void settle(ending, handler).finally(() => {
      forget();
      state.open.delete(ending);
    });
  }
};

type Http2Server = ReturnType<typeof createSecureServer>;

const bind = async (server: Http2Server, port: number): Promise<void> => {
  for (let attempt = 1; ; attempt += 1) {
    const error = await new Promise<Error | null>((resolve) => {
      const listening = (): void => {
        server.off('error', failed);
        resolve(null);
      };
      const failed = (reason: Error): void => {
        server.off('listening', listening);
        resolve(reason);
      };
      server.once('error', failed).once('listening', listening).listen(port, '127.0.0.1');
    });
    if (error === null) return;
    if (attempt === BIND_ATTEMPTS) throw error;
    await pause(100);
  }
};

const serverWith = ({ certificate, key }: GrpcOptions): Http2Server => {
  const server = createSecureServer({
    key,
    cert: certificate,
    minVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE,
    noDelay: true,
    maxSessionMemory: SESSION_MEMORY,
    settings: { maxConcurrentStreams: STREAMS, initialWindowSize: STREAM_WINDOW, maxHeaderListSize: HEADER_BYTES },
  });
  server.maxConnections = CONNECTIONS;
  return server;
};

/** Serves gRPC over TLS on 127.0.0.1; resolves when clients may connect. */
export const startGrpc = async (options: GrpcOptions): Promise<GrpcServer> => {
  const state: State = { stopping: false, open: new Set() };
  const sessions = new Set<ServerHttp2Session>();
  const held = allowanceOf(HELD);
  const server = serverWith(options);
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined);
    session.once('close', () => sessions.delete(session));
    session.setLocalWindowSize(CONNECTION_WINDOW);
    keepAlive(session);
  });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    dispatch(options, state, openCall(stream, held), headers);
  });
  server.on('sessionError', () => undefined);
  await bind(server, options.port);
  server.on('error', () => undefined);
  return {
    stop: async (finish) => {
      state.stopping = true;
      const closed = new Promise<void>((resolve) =>
        server.close(() => {
          resolve();
        }),
      );
      await finish();
      // What was finished is answered in this turn of the event loop.
      await pause(0);
      const cancelled = new Fault(STATUS.cancelled, 'The event store is stopping.');
      for (const ending of state.open) {
        ending.abort(cancelled);
        ending.end(cancelled);
      }
      for (const session of sessions) session.close();
      await Promise.race([closed, pause(FAREWELL)]);
      for (const session of sessions) session.destroy();
    },
  };
};
