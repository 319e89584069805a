/**
 * A further way into the broker. Clients are told to come back at `advertisedPort`, which may be that of something between
 * them and the broker: the port they first came to would otherwise be the last they saw of it.
 */
export interface KafkaListener {
  /** Its name among the listeners: capitals, digits and `_`, and neither PLAINTEXT nor CONTROLLER. */
  readonly name: string;
  readonly port: number;
  readonly advertisedPort: number;
}

/** Where a single-node broker listens and stores. */
export interface KafkaSettingsInput {
  readonly port: number;
  readonly controllerPort: number;
  readonly logDir: string;
  /** Listeners beside the one on `port`; none when not said. */
  readonly listeners?: readonly KafkaListener[];
}

// 16 MiB of value (the largest record the topics allow) with room for key, headers and batch overhead
const LARGEST_BATCH_BYTES = 20 * 1024 * 1024;

/** Returns the lines of `server.properties` for one node that is both broker and controller, on 127.0.0.1 only. */
export function kafkaSettings({ port, controllerPort, logDir, listeners = [] }: KafkaSettingsInput): string {
  const broker = `127.0.0.1:${String(port)}`;
  const controller = `127.0.0.1:${String(controllerPort)}`;
  const further = (of: (listener: KafkaListener) => string): string =>
    listeners.map((listener) => `,${listener.name}:${of(listener)}`).join('');
  const heard = further(({ port: own }) => `//127.0.0.1:${String(own)}`);
  const advertised = further(({ advertisedPort }) => `//127.0.0.1:${String(advertisedPort)}`);
  const protocols = further(() => 'PLAINTEXT');
  const settings: Readonly<Record<string, string | number | boolean>> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT${protocols}`,
    listeners: `PLAINTEXT://${broker},CONTROLLER://${controller}${heard}`,
    'advertised.listeners': `PLAINTEXT://${broker}${advertised}`,
    'log.dirs': logDir,
    // kept until a topic says otherwise: the schema registry's journal must not expire
    'log.retention.ms': -1,
    'auto.create.topics.enable': false,
    'message.max.bytes': LARGEST_BATCH_BYTES,
    'replica.fetch.max.bytes': LARGEST_BATCH_BYTES,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1000,
    // after kill -9 the controller takes the broker back only when its old session is over; the default is 9 s
    'broker.heartbeat.interval.ms': 500,
    'broker.session.timeout.ms': 4000,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 2,
    'log.cleaner.threads': 1,
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${String(value)}\n`)
    .join('');
}

/** The broker's own log: warnings and worse, on standard output. */
export const KAFKA_LOG_SETTINGS = `status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
`;
