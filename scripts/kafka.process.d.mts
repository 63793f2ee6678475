/** Apache Kafka as it runs now; `brokers`: `host:port`. */
export type Kafka = Readonly<{
  brokers: string;
  pid: number;
  ended: Promise<unknown>;
  /** In order. */
  stop: () => Promise<void>;
  kill: () => Promise<void>;
}>;

export type KafkaOptions = Readonly<{
  folder: string;
  /** 0: any free one. */
  port?: number;
  /** Megabytes. */
  heap?: number;
  more?: (ports: Readonly<{ broker: number; controller: number }>) => Readonly<Record<string, string>>;
  formatting?: readonly string[];
}>;

export const startKafka: (options: KafkaOptions) => Promise<Kafka>;
export const emptyKafka: (folder: string) => void;
