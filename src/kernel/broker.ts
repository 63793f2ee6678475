import { type Sql } from './sql.js';

/**
 * A message of a topic. `id`: what consumers recognise a repeated delivery by; it is sent as the header `id`. `key`: messages of one key are read in the
 * order in which they were published. `value`: UTF-8 text, JSON for everything the service publishes; null takes what the key stood for out of a topic that
 * is compacted. `headers`: more of them, text by text.
 */
export type Message = Readonly<{ id: string; key: string; value: string | null; headers: Readonly<Record<string, string>> }>;

/**
 * Where messages are published to: Apache Kafka, or the broker of this machine. `publish` resolves when the broker has all of them for good, in this order
 * for each key; it throws when it cannot tell that it has, and what is published again then may come twice, with the same ids.
 */
export type Publisher = Readonly<{
  publish: (topic: string, messages: readonly Message[]) => Promise<void>;
  close: () => Promise<void>;
}>;

/** A message as a consumer is handed it, before anything is parsed. `at`: when it was published, RFC 3339, UTC. `offset`: its place in the partition. */
export type Delivered = Readonly<{
  topic: string;
  partition: number;
  offset: bigint;
  key: string | null;
  value: Uint8Array | null;
  headers: Readonly<Record<string, string>>;
  at: string;
}>;

/** A message that was handled is not handled again: its effect and the note of it commit together. */
export type Inbox = Readonly<{
  /** Runs `work` unless this consumer has handled the message before; answers whether it ran. */
  once: (consumer: string, messageId: string, work: (sql: Sql) => Promise<void>) => Promise<boolean>;
}>;

/** DI token of the `Inbox`. */
export const INBOX = Symbol('Inbox');
