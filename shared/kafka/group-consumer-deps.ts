import type { Outcome } from '../domain/outcome.ts';
import type { Codec } from '../events/codec.ts';
import type { TopicName } from '../events/topics.ts';
import type { KafkaClient } from './client.ts';
import type { LoopMoment, PartitionHandler } from './partition-handler.ts';
import type { ConsumerObserver } from '../observability/consumer-metrics.ts';
import type { Tracing } from '../observability/tracing.ts';
import type { OutRecord, RecordProducer } from './producer.ts';

/** What the loop needs. */
export interface GroupConsumerDeps {
  readonly service: string;
  readonly groupId: string;
  readonly topics: readonly TopicName[];
  readonly kafka: KafkaClient;
  readonly codec: Codec;
  readonly producer: RecordProducer;
  readonly handler: PartitionHandler;
  /** Partition count of the sharded topics, to hold records to the partition of their key. */
  readonly partitions: number;
  readonly nowMs: () => number;
  /** Called when the loop cannot go on: the process should end, the position is safe. */
  readonly onFatal: (error: unknown) => void;
  readonly observe: ConsumerObserver;
  readonly tracing: Tracing;
  /** Counts what the loop did, for metrics. */
  readonly onOutcome?: (topic: TopicName, outcome: Outcome<OutRecord>) => void;
  /** Session timeout, ms; a member silent for longer loses its partitions. */
  readonly sessionTimeoutMs?: number;
  /** Called at every named moment; a proof ends the process there. */
  readonly onMoment?: (moment: LoopMoment) => void;
}
