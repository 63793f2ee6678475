import { type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { type Log } from '../../kernel/log.js';
import { nestLogger } from '../logging/nest.logger.js';
import { type HttpSettings } from './http.settings.js';
import { secured } from './secured.server.js';

/** An application that parses no bodies and says nothing by itself. Throws what the module's start threw. */
export const expressApp = async (
  module: Type | DynamicModule,
  log: Log,
  tls: HttpSettings['tls'] = null,
): Promise<NestExpressApplication> => {
  const app = await NestFactory.create<NestExpressApplication>(module, {
    logger: nestLogger(log),
    abortOnError: false,
    bodyParser: false,
    ...(tls === null ? {} : { httpsOptions: secured(tls) }),
  });
  app.disable('x-powered-by');
  // An ETag is a stream's revision here, never a hash of the body.
  app.disable('etag');
  return app;
};
