import { type DynamicModule, Module } from '@nestjs/common';
import { accessLog } from '../audit/access-log.eventstore.js';
import { AvailabilityController } from '../availability/availability.controller.js';
import { MyAvailabilityHandler, TeamsAvailabilityHandler } from '../availability/availability.query.js';
import { AvailabilityReader } from '../availability/availability.reader.js';
import { CalendarController } from '../calendar/calendar.controller.js';
import { MyCalendarsHandler } from '../calendar/calendars.query.js';
import { CALENDAR_CHOICES } from '../calendar/choose.js';
import { ChooseHandler } from '../calendar/choose.handler.js';
import { MANUAL_PAUSES, SyncNowHandler } from '../sync/sync-now.handler.js';
import { SyncController } from '../sync/sync.controller.js';
import { OneSyncHandler } from '../sync/sync.query.js';
import { type Config } from '../config/service.config.js';
import { ConnectCalendarHandler } from '../connection/connect.handler.js';
import { ConnectionController } from '../connection/connection.controller.js';
import { CONNECTION_RUNTIME } from '../connection/connection.runtime.js';
import { MyConnectionsHandler } from '../connection/connections.query.js';
import { ReconnectHandler } from '../connection/reconnect.handler.js';
import { RevokeHandler } from '../connection/revoke.handler.js';
import { HttpModule } from '../infra/http/http.module.js';
import { type PrometheusMetrics } from '../infra/telemetry/metrics.prometheus.js';
import { idempotency } from '../infra/http/idempotency.sql.js';
import { tickets } from '../infra/http/tickets.sql.js';
import { readModels } from '../infra/postgres/read-models.postgres.js';
import { postgresTeams } from '../infra/postgres/teams.postgres.js';
import { ACCESS_LOG } from '../kernel/access-log.js';
import { CLOCK } from '../kernel/clock.js';
import { ENTROPY } from '../kernel/entropy.js';
import { EVENT_STORE } from '../kernel/event-store.js';
import { type HealthChecks } from '../kernel/health.js';
import { READ_MODELS } from '../kernel/projection.js';
import { DATABASE } from '../kernel/sql.js';
import { VAULT } from '../kernel/vault.js';
import { ChangesController } from '../merged-events/changes/changes.controller.js';
import { MyChangesHandler } from '../merged-events/changes/changes.query.js';
import { EventsController } from '../merged-events/events.controller.js';
import { MergedEventsHandler } from '../merged-events/events.query.js';
import { StreamController } from '../merged-events/changes/stream.controller.js';
import { StreamHub } from '../merged-events/changes/stream.hub.js';
import { ChangeSettingsHandler } from '../preference/change-settings.handler.js';
import { SettingsController } from '../preference/settings.controller.js';
import { MySettingsHandler } from '../preference/settings.query.js';
import { observedCqrs } from './observed-buses.js';
import { type Runtime } from './runtime.js';
import { PROJECTIONS } from './projections.js';

type Parts = Readonly<{ config: Config; runtime: Runtime; health: HealthChecks; metrics: PrometheusMetrics }>;

/** Puts a process together: what every one serves, and with the role \`api\` the routes and what answers them. */
@Module({})
export class AppModule {
  static with({ config, runtime, health, metrics }: Parts): DynamicModule {
    const api = config.roles.has('api');
    return {
      module: AppModule,
      imports: [
        observedCqrs(metrics),
        HttpModule.with({
          auth: config.auth,
          masterKey: runtime.masterKey,
          clock: runtime.clock,
          health,
          metrics,
          teams: postgresTeams(runtime.database, runtime.clock, runtime.log),
          markers: runtime.vault,
          rateLimits: config.http.rateLimits,
          tickets: tickets(runtime.database, runtime.clock, runtime.entropy),
          idempotency: idempotency({ ...runtime, sql: runtime.database }),
          operationsApart: config.http.operationsPort !== null,
        }),
      ],
      controllers: api ? CONTROLLERS : [],
      providers: [
        { provide: EVENT_STORE, useValue: runtime.store },
        { provide: DATABASE, useValue: runtime.database },
        { provide: VAULT, useValue: runtime.vault },
        { provide: CLOCK, useValue: runtime.clock },
        { provide: ENTROPY, useValue: runtime.entropy },
        { provide: READ_MODELS, useValue: readModels(runtime.database, PROJECTIONS) },
        { provide: ACCESS_LOG, useValue: accessLog(runtime) },
        { provide: CONNECTION_RUNTIME, useValue: runtime },
        { provide: CALENDAR_CHOICES, useClass: ChooseHandler },
        { provide: MANUAL_PAUSES, useValue: config.manualPauses },
        ...(api ? [...HANDLERS, ...SHARED] : []),
      ],
    };
  }
}

const CONTROLLERS = [
  ConnectionController,
  CalendarController,
  SyncController,
  SettingsController,
  AvailabilityController,
  EventsController,
  ChangesController,
  StreamController,
];

const HANDLERS = [
  ConnectCalendarHandler,
  ReconnectHandler,
  RevokeHandler,
  MyConnectionsHandler,
  SyncNowHandler,
  MyCalendarsHandler,
  OneSyncHandler,
  ChangeSettingsHandler,
  MySettingsHandler,
  MyAvailabilityHandler,
  TeamsAvailabilityHandler,
  MergedEventsHandler,
  MyChangesHandler,
];

/** What handlers and controllers share. */
const SHARED = [AvailabilityReader, StreamHub];
