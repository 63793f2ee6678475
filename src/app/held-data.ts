import { CALENDAR_DATA } from '../calendar/held-data.js';
import { CONNECTION_DATA } from '../connection/held-data.js';
import { DIRECTORY_DATA } from '../directory/held-data.js';
import { BROKER_DATA } from '../embedded/broker/held-data.js';
import { LOG_DATA } from '../infra/eventstore/held-data.js';
import { REQUEST_DATA } from '../infra/http/held-data.js';
import { PROJECTION_DATA } from '../infra/postgres/held-data.js';
import { VAULT_DATA } from '../infra/vault/held-data.js';
import { type HeldRows } from '../kernel/held-data.js';
import { MERGED_EVENT_DATA } from '../merged-events/held-data.js';
import { PREFERENCE_DATA } from '../preference/held-data.js';
import { RELAY_DATA } from '../relay/held-data.js';
import { SYNC_DATA } from '../sync/held-data.js';
import { WATCH_DATA } from '../watch/held-data.js';

/** Every table of the database that holds rows of a person. A new table is stated by its slice, and is listed here or in `INFRASTRUCTURE`. */
export const HELD_DATA: readonly HeldRows[] = [
  ...CONNECTION_DATA,
  ...CALENDAR_DATA,
  ...SYNC_DATA,
  ...WATCH_DATA,
  ...MERGED_EVENT_DATA,
  ...PREFERENCE_DATA,
  ...RELAY_DATA,
  ...VAULT_DATA,
  ...REQUEST_DATA,
  ...DIRECTORY_DATA,
  ...BROKER_DATA,
  ...PROJECTION_DATA,
  ...LOG_DATA,
];

/** Every other table, with what it holds. No row of these names a person, or can be traced to one without the keys of the service. */
export const INFRASTRUCTURE: Readonly<Record<string, string>> = {
  broker_offset: 'how far each group of consumers has read the topics of the broker of this machine',
  broker_partition: 'how many messages each partition of a topic has had',
  checkpoint: 'how far each projection has read the log',
  clean_up: 'when each clean-up is due',
  directory_resources: 'rooms and equipment, as the directory tells them',
  event_zone_rules: 'the version of the zone rules that occurrences are placed by',
  inbox: 'ids of messages that consumers of topics have handled, for 31 days',
  known_log: 'the name of the log that the read models are built from',
  log_freed: 'bytes that scavenges removed',
  log_scavenge: 'the newest scavenge of each node of the event store',
  master_key: 'check values of master keys',
  migrations: 'which migrations have run',
  topic_position: 'how far groups of consumers have read topics',
  request_budget: 'how many requests accounts may still make, and how many are under way, under hashes, for about two hours',
};
