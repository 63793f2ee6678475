import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { Refused } from '../../kernel/refused.js';
import { type HttpSettings } from './http.settings.js';
import { protectServer } from './protected.server.js';
import { secured } from './secured.server.js';

/** DI token: whether operators ask at a port of their own (`OPERATIONS_PORT`). */
export const OPERATIONS_APART = Symbol('OperationsApart');

/** Requests that came in at the operators' own port. */
const arrivedThere = new WeakSet<IncomingMessage>();

/** Lets the routes of operators answer at their own port alone, when there is one: elsewhere there is nothing at their address. */
@Injectable()
export class OperationsGuard implements CanActivate {
  constructor(@Inject(OPERATIONS_APART) private readonly apart: boolean) {}

  canActivate(context: ExecutionContext): boolean {
    if (!this.apart || arrivedThere.has(context.switchToHttp().getRequest<IncomingMessage>())) return true;
    throw new Refused('route.unknown', 404, 'There is nothing at this address; /docs lists what there is.');
  }
}

/** Everything an operator or a probe asks for; nothing else is answered at their port. */
const OURS = /^\/(?:health|metrics)(?:[/?]|$)/i;

/** Serves the operators' routes of an application at `OPERATIONS_PORT` and resolves when it listens; null when it is not set. */
export const serveOperations = (app: NestExpressApplication, { host, operationsPort, tls }: HttpSettings): Promise<Server | null> => {
  if (operationsPort === null) return Promise.resolve(null);
  const routes = app.getHttpAdapter().getInstance() as RequestListener;
  const answer: RequestListener = (request, response) => {
    if (!OURS.test(request.url ?? '')) {
      response.writeHead(404).end();
      return;
    }
    arrivedThere.add(request);
    routes(request, response);
  };
  const server = tls === null ? createServer(answer) : createSecureServer(secured(tls), answer);
  protectServer(server);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(operationsPort, host, () => {
      resolve(server);
    });
  });
};

/** The port a server listens at; null when there is none. */
export const portOf = (server: Server | null): number | null => {
  const address = server?.address();
  return typeof address === 'object' && address !== null ? address.port : null;
};

/** Closes it with the connections that wait for another request. */
export const stopServing = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
