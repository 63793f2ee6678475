import { type Publisher } from '../../kernel/broker.js';
import { type Database } from '../../kernel/sql.js';
import { append } from './messages.sql.js';

/** Publishes to the tables of this machine's broker: all messages of a call, or none of them. Throws `EngineAway` while the database is out of reach. */
export const embeddedPublisher = (database: Database): Publisher => ({
  publish: async (topic, messages) => {
    if (messages.length === 0) return;
    const bytes = new TextEncoder();
    const appended = messages.map(({ id, key, value, headers }) => ({
      key,
      value: value === null ? null : bytes.encode(value),
      headers: { ...headers, id },
    }));
    await database.transaction((sql) => append(sql, topic, appended));
  },
  close: () => Promise.resolve(),
});
