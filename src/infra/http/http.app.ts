import { type IncomingMessage } from 'node:http';
import { type DynamicModule, type Type } from '@nestjs/common';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { type Log } from '../../kernel/log.js';
import { METRICS, type Metrics } from '../../kernel/metrics.js';
import { protectAnswers } from './answer-headers.helmet.js';
import { expressApp } from './express.app.js';
import { type HttpSettings } from './http.settings.js';
import { documentsOf } from './openapi.later.js';
import { type DescribeTopics, topicPages } from './topics.later.js';
import { ProblemFilter } from './problem.filter.js';
import { boundAddresses, protectServer } from './protected.server.js';
import { observeRequests } from './request.observer.js';
import { validationPipe } from './validation.pipe.js';

const BODY_LIMIT = '256kb';
const FORM_LIMIT = '16kb';
const NOTIFICATION_LIMIT = '128kb';

/** The two forms that are taken: what a vendor's page posts back, and the password on the page that is shown then. */
const isVendorsForm = ({ url = '', headers }: IncomingMessage): boolean =>
  /^[/]v1[/]calendar[/]oauth[/][a-z]+[/]callback(?:[/]password)?(?:[?]|$)/i.test(url) &&
  /^application[/]x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '');

/** Anybody may send these, and a vendor's are short; some send a hundred at once. */
const isNotification = ({ url = '', headers }: IncomingMessage): boolean =>
  /^[/]v1[/]webhooks[/]/i.test(url) && /^application[/]json\b/i.test(headers['content-type'] ?? '');

/**
 * The service's HTTP side around a module that imports `HttpModule`: correlation, authentication, validation, problems, documents. `topics`: null
 * where it documents none. It does not listen yet: `await app.listen(port, host)`. Throws what the module's start threw.
 */
export const createApp = async (
  module: Type | DynamicModule,
  { production, http }: Readonly<{ production: boolean; http: HttpSettings }>,
  log: Log,
  topics: DescribeTopics | null = null,
): Promise<NestExpressApplication> => {
  const { tls, corsOrigins, trustProxy, publicUrl } = http;
  const app = await expressApp(module, log, tls);
  protectServer(app.getHttpServer());
  if (trustProxy !== null) app.set('trust proxy', trustProxy);
  app.use(observeRequests(log, app.get<Metrics>(METRICS, { strict: false })));
  app.use(protectAnswers({ secure: production, publicUrl }));
  app.use(boundAddresses);
  if (corsOrigins.length > 0) {
    const exposedHeaders = ['ETag', 'Location', 'Retry-After', 'X-Correlation-Id', 'RateLimit', 'RateLimit-Policy', 'Idempotency-Replayed'];
    // Credentials: the cookie that ties an attempt to connect to its browser. No route takes a cookie for a token.
    app.enableCors({ origin: [...corsOrigins], credentials: true, exposedHeaders, maxAge: 600 });
  }
  app.useBodyParser('json', { limit: NOTIFICATION_LIMIT, type: isNotification });
  app.useBodyParser('json', { limit: BODY_LIMIT });
  app.useBodyParser('urlencoded', { limit: FORM_LIMIT, extended: false, type: isVendorsForm });
  app.useGlobalPipes(validationPipe());
  const { methodsAt, pages } = documentsOf(app, log, { publicUrl, operations: http.operationsPort === null });
  const problems = new ProblemFilter(log, methodsAt);
  app.useGlobalFilters(problems);
  if (topics !== null) app.use(topicPages(topics));
  app.use(pages(problems));
  return app;
};
