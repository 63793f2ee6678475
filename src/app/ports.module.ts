import { type DynamicModule, Module, type ValueProvider } from '@nestjs/common';
import { type Config } from '../config/service.config.js';
import { ADDRESSES, type Addresses } from '../connection/return-address.js';
import { type HttpSettings } from '../infra/http/http.settings.js';
import { type Tickets, TICKETS } from '../infra/http/tickets.sql.js';
import { readModels } from '../infra/postgres/read-models.postgres.js';
import { CLOCK } from '../kernel/clock.js';
import { ENTROPY } from '../kernel/entropy.js';
import { EVENT_STORE } from '../kernel/event-store.js';
import { LOG } from '../kernel/log.js';
import { READ_MODELS } from '../kernel/projection.js';
import { DATABASE } from '../kernel/sql.js';
import { type Teams, TEAMS } from '../kernel/teams.js';
import { VAULT } from '../kernel/vault.js';
import { PROVIDERS } from '../provider/calendar-provider.js';
import { MANUAL_PAUSES } from '../sync/manual-sync.js';
import { PROJECTIONS } from './projections.js';
import { type Runtime } from './runtime.js';

type Opened = Readonly<{
  config: Pick<Config, 'manualPauses' | 'http'>;
  runtime: Pick<Runtime, 'store' | 'database' | 'vault' | 'providers' | 'clock' | 'entropy' | 'log'>;
  teams: Teams;
  tickets: Tickets;
}>;

const addressesOf = ({ publicUrl, corsOrigins }: HttpSettings): Addresses => ({
  publicUrl,
  origins: [...corsOrigins, ...(publicUrl === null ? [] : [new URL(publicUrl).origin])],
});

/** What the process has opened, one port a token, for the modules of the slices to import. No key is among it: what seals and opens is the vault. */
@Module({})
export class PortsModule {
  static with({ config, runtime, teams, tickets }: Opened): DynamicModule {
    const ports: readonly ValueProvider[] = [
      { provide: EVENT_STORE, useValue: runtime.store },
      { provide: DATABASE, useValue: runtime.database },
      { provide: VAULT, useValue: runtime.vault },
      { provide: PROVIDERS, useValue: runtime.providers },
      { provide: CLOCK, useValue: runtime.clock },
      { provide: ENTROPY, useValue: runtime.entropy },
      { provide: READ_MODELS, useValue: readModels(runtime.database, PROJECTIONS) },
      { provide: TEAMS, useValue: teams },
      { provide: TICKETS, useValue: tickets },
      { provide: MANUAL_PAUSES, useValue: config.manualPauses },
      { provide: LOG, useValue: runtime.log },
      { provide: ADDRESSES, useValue: addressesOf(config.http) },
    ];
    return { module: PortsModule, providers: [...ports], exports: ports.map(({ provide }) => provide) };
  }
}
