import { randomUUID } from 'node:crypto';
import { type NextFunction, type Request, type Response } from 'express';
import { type Log } from '../../kernel/log.js';
import { type Metrics } from '../../kernel/metrics.js';
import { correlated } from '../logging/correlation.context.js';
import { openRequestSpan } from '../telemetry/tracing.otel.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The request's correlation id. Every request has one by the time a controller runs: sent along, else that of its trace, else new. */
export const correlationOf = (request: Request): string => String(request.headers['x-correlation-id']);

/** The path without its query, which may hold personal data. */
export const pathOf = (request: Request): string => request.originalUrl.replace(/\?.*$/s, '');

/** Scraped every few seconds, or sent by vendors at each change: their lines would bury the others. */
const QUIET = /^\/(health\/|metrics$|v1\/webhooks\/)/;

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Express middleware that gives a request its correlation id, and logs and measures its answer by route (`/v1/meetings/:id`), never by address. */
export const observeRequests = (log: Log, metrics: Metrics) => {
  const observed = metrics.histogram('http_request_duration_seconds', 'Time until a request was answered', SECONDS, [
    'method',
    'route',
    'status',
  ]);
  return (request: Request, response: Response, next: NextFunction): void => {
    const sent = request.headers['x-correlation-id'];
    const span = openRequestSpan(request.method, request.headers);
    const correlationId = typeof sent === 'string' && UUID.test(sent) ? sent.toLowerCase() : (span.traceId ?? randomUUID());
    request.headers['x-correlation-id'] = correlationId;
    response.setHeader('X-Correlation-Id', correlationId);
    const began = performance.now();
    response.once('close', () => {
      const seconds = (performance.now() - began) / 1_000;
      const route = (request.route as { path?: string } | undefined)?.path ?? 'unmatched';
      const status = response.writableFinished ? String(response.statusCode) : 'aborted';
      span.close(route, status, correlationId);
      observed(seconds, { method: request.method, route, status });
      const line = { method: request.method, route, status, milliseconds: Math.round(seconds * 1_000), correlationId };
      if (QUIET.test(route)) log.debug('Request answered', line);
      else log.info('Request answered', line);
    });
    span.within(() => {
      correlated(correlationId, next);
    });
  };
};
