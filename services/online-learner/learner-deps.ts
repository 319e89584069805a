import type { ModelDirectory } from '../../shared/domain/model-directory.ts';
import type { LearnerPorts, PartitionHandler, TopicPartition } from './ports.ts';
import type { ShardSettings } from './shard-runtime.ts';
import type { ShardView } from './shard-view.ts';

/** What the learner needs besides the world. */
export interface LearnerDeps {
  readonly ports: LearnerPorts;
  /** Partition count of the sharded topics. */
  readonly partitions: number;
  readonly settings: ShardSettings;
  readonly directory: () => ModelDirectory;
  /** When the program began, its modules loaded, on the monotonic clock, ms. */
  readonly programBeganMs: number;
  /** Asks the consumer loop to read a partition again from an offset. */
  readonly seek: (partition: TopicPartition, offset: number) => void;
}

/** The learner as the consumer loop, the timers and HTTP see it. */
export interface Learner extends PartitionHandler {
  /** Acts on changes of the directory: new versions are born, retired ones let go. */
  reconcile(): Promise<void>;
  /** Saves what is due although no batch comes. */
  tick(): Promise<void>;
  /** Saves everything and stops publishing. */
  stop(): Promise<void>;
  /** What is wrong with stopped shards, by shard key. */
  readonly stopped: () => ReadonlyMap<string, string>;
  /** Returns what can be seen of a model's shards here. Costs a digest of the whole state. */
  view(model: string): readonly ShardView[];
}
