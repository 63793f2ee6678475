import { type Server } from 'node:http';
import { type BeforeApplicationShutdown, type DynamicModule, Inject, Module } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, HttpAdapterHost } from '@nestjs/core';
import { type Clock, CLOCK } from '../../kernel/clock.js';
import { HEALTH_CHECKS, type HealthChecks } from '../../kernel/health.js';
import { METRICS } from '../../kernel/metrics.js';
import { TEAMS, type Teams } from '../../kernel/teams.js';
import { type PrometheusMetrics } from '../telemetry/metrics.prometheus.js';
import { AuthenticationGuard, Rights } from './auth.guard.js';
import { CauseInterceptor, type Markers, MARKERS } from './cause.interceptor.js';
import { DevTokenController } from './dev-token.controller.js';
import { IdempotencyInterceptor } from './idempotency.interceptor.js';
import { type Idempotency, IDEMPOTENCY } from './idempotency.sql.js';
import { type AuthSettings } from './http.settings.js';
import { limits, LIMITS, RateLimitGuard, type RateLimits } from './limits.guard.js';
import { OperationsController } from './operations.controller.js';
import { OPERATIONS_APART } from './operations.server.js';
import { RolesGuard } from './roles.guard.js';
import { TeamsInterceptor } from './teams.interceptor.js';
import { type Tickets, TICKETS } from './tickets.sql.js';
import { DEV_TOKENS, devTokens, jwksTokens, TOKENS } from './tokens.jose.js';
import { rememberedTokens } from './tokens.memory.js';

export type HttpParts = Readonly<{
  auth: AuthSettings;
  /** 32 bytes; signs development tokens. */
  masterKey: Uint8Array;
  clock: Clock;
  health: HealthChecks;
  metrics: PrometheusMetrics;
  teams: Teams;
  markers: Markers;
  rateLimits: RateLimits;
  /** null where no route takes tickets. */
  tickets: Tickets | null;
  /** null where nothing is remembered of requests. */
  idempotency: Idempotency | null;
  /** Whether health and metrics are answered at a port of their own alone. */
  operationsApart: boolean;
}>;

/** What requests in flight have to finish in once the service closes, in milliseconds. */
const GRACE = 5_000;

/**
 * What a process of any role serves: authentication, health and metrics. On `app.close()` requests in flight may finish; what they
 * need must be closed in `onApplicationShutdown`, which comes after.
 */
@Module({})
export class HttpModule implements BeforeApplicationShutdown {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  // Nest would wait without end for open connections, or cut all of them in mid-answer; a stream stays open, an answer does not.
  beforeApplicationShutdown(): void {
    const server = this.host.httpAdapter.getHttpServer() as Server;
    const answered = setInterval(() => {
      server.closeIdleConnections();
    }, 50);
    const late = setTimeout(() => {
      server.closeAllConnections();
    }, GRACE);
    server.once('close', () => {
      clearInterval(answered);
      clearTimeout(late);
    });
    for (const timer of [answered, late]) timer.unref();
  }

  static with({
    auth,
    masterKey,
    clock,
    health,
    metrics,
    teams,
    markers,
    rateLimits,
    tickets,
    idempotency,
    operationsApart,
  }: HttpParts): DynamicModule {
    const dev = auth.mode === 'dev' ? rememberedTokens(devTokens(masterKey, clock), clock) : null;
    return {
      module: HttpModule,
      controllers: [OperationsController, ...(dev === null ? [] : [DevTokenController])],
      providers: [
        { provide: TOKENS, useValue: auth.mode === 'jwks' ? rememberedTokens(jwksTokens(auth, clock), clock) : dev },
        { provide: DEV_TOKENS, useValue: dev },
        { provide: HEALTH_CHECKS, useValue: health },
        { provide: METRICS, useValue: metrics },
        { provide: TEAMS, useValue: teams },
        { provide: MARKERS, useValue: markers },
        { provide: LIMITS, useValue: limits(rateLimits, clock) },
        { provide: CLOCK, useValue: clock },
        { provide: OPERATIONS_APART, useValue: operationsApart },
        { provide: TICKETS, useValue: tickets },
        { provide: IDEMPOTENCY, useValue: idempotency },
        Rights,
        // In this order.
        { provide: APP_GUARD, useClass: RateLimitGuard },
        { provide: APP_GUARD, useClass: AuthenticationGuard },
        { provide: APP_GUARD, useClass: RolesGuard },
        { provide: APP_INTERCEPTOR, useClass: TeamsInterceptor },
        { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
        { provide: APP_INTERCEPTOR, useClass: CauseInterceptor },
      ],
      exports: [HEALTH_CHECKS, LIMITS, METRICS, TEAMS, TICKETS],
    };
  }
}
