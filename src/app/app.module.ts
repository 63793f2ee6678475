import { type DynamicModule, Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AvailabilityModule } from '../availability/availability.module.js';
import { CalendarModule } from '../calendar/calendar.module.js';
import { type Config } from '../config/service.config.js';
import { ConnectionModule } from '../connection/connection.module.js';
import { postgresTeams } from '../directory/teams.sql.js';
import { HttpModule } from '../infra/http/http.module.js';
import { idempotency } from '../infra/http/idempotency.sql.js';
import { tickets } from '../infra/http/tickets.sql.js';
import { type PrometheusMetrics } from '../infra/telemetry/metrics.prometheus.js';
import { type HealthChecks } from '../kernel/health.js';
import { MergedEventsModule } from '../merged-events/merged-events.module.js';
import { SettingsModule } from '../preference/settings.module.js';
import { SyncModule } from '../sync/sync.module.js';
import { WebhookModule } from '../watch/webhook.module.js';
import { observedCqrs } from './observed-buses.js';
import { PortsModule } from './ports.module.js';
import { type Runtime } from './runtime.js';

type Parts = Readonly<{ config: Config; runtime: Runtime; health: HealthChecks; metrics: PrometheusMetrics }>;

/** The modules of the slices, each with the modules whose ports it uses. */
const slices = (ports: DynamicModule, http: DynamicModule): readonly DynamicModule[] => {
  const audit = { module: AuditModule, imports: [ports] };
  const calendar = { module: CalendarModule, imports: [ports] };
  const connection = { module: ConnectionModule, imports: [ports] };
  return [
    audit,
    calendar,
    connection,
    { module: SyncModule, imports: [ports] },
    { module: SettingsModule, imports: [ports, calendar, connection] },
    { module: AvailabilityModule, imports: [ports, audit] },
    { module: MergedEventsModule, imports: [ports] },
    { module: WebhookModule, imports: [ports, http] },
  ];
};

/** Puts a process together: health and metrics in every one, and with the role `api` the routes of the slices. */
@Module({})
export class AppModule {
  static with({ config, runtime, health, metrics }: Parts): DynamicModule {
    const { database, clock, entropy, log, vault } = runtime;
    const teams = postgresTeams({ database, clock, log, tokensCount: config.auth.mode === 'dev' });
    const kept = tickets(database, clock, entropy);
    const http = HttpModule.with({
      auth: config.auth,
      masterKey: runtime.masterKey,
      clock,
      health,
      metrics,
      teams,
      markers: vault,
      rateLimits: config.http.rateLimits,
      tickets: kept,
      idempotency: idempotency({ sql: database, vault, clock, entropy }),
      operationsApart: config.http.operationsPort !== null,
    });
    if (!config.roles.has('api')) return { module: AppModule, imports: [http] };
    const ports = PortsModule.with({ config, runtime, teams, tickets: kept });
    return { module: AppModule, imports: [http, observedCqrs(metrics), ...slices(ports, http)] };
  }
}
