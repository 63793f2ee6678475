/** How Apache Kafka is reached. `brokers`: `host:port` of some of its brokers. */
export type KafkaSettings = Readonly<{
  brokers: readonly string[];
  /** `ca`: the path of the certificates that the brokers' own are checked against; null: those that Node knows. */
  tls: Readonly<{ ca: string | null }> | null;
  sasl: Readonly<{ mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string }> | null;
}>;
