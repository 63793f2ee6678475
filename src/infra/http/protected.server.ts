import { type Server, STATUS_CODES } from 'node:http';
import { type Socket } from 'node:net';
import { randomUUID } from 'node:crypto';
import { type NextFunction, type Request, type Response } from 'express';
import { Refused } from '../../kernel/refused.js';

/**
 * How long a connection may idle, in milliseconds: longer than the proxies and clients that keep one do (load balancers: 60 s), so that they
 * close it first. Who is closed in the moment of asking again sees a reset and cannot know whether it was heard.
 */
const KEEP_ALIVE = 75_000;
/** What a client may take to send its headers, and all of a request. Node looks every 30 s. */
const HEADERS = 15_000;
const REQUEST = 30_000;
const LONGEST_ADDRESS = 8_000;

const FAILURES: Readonly<Record<string, Readonly<{ status: number; code: string; detail: string }>>> = {
  HPE_HEADER_OVERFLOW: { status: 431, code: 'request.headers-too-large', detail: 'The headers are larger than 16 kB.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: 'request.too-slow', detail: 'The request took too long to arrive.' },
};
const UNREADABLE = { status: 400, code: 'request.malformed', detail: 'This is no HTTP request.' };

/** Answers what never became a request, and closes its connection. */
const answerUnreadable = (error: NodeJS.ErrnoException, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, code, detail } = FAILURES[error.code ?? ''] ?? UNREADABLE;
  const title = STATUS_CODES[status] ?? 'Refused';
  const body = JSON.stringify({ type: 'about:blank', title, status, code, detail, traceId: randomUUID() });
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nContent-Type: application/problem+json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
};

/** Bounds what a connection may take, and how long. */
export const protectServer = (server: Server): void => {
  server.keepAliveTimeout = KEEP_ALIVE;
  server.headersTimeout = HEADERS;
  server.requestTimeout = REQUEST;
  server.on('clientError', answerUnreadable);
};

/** Express middleware that refuses addresses longer than any of ours. */
export const boundAddresses = (request: Request, _response: Response, next: NextFunction): void => {
  if (request.originalUrl.length > LONGEST_ADDRESS)
    next(new Refused('request.address-too-long', 414, `An address has ${LONGEST_ADDRESS} characters at most.`));
  else next();
};
