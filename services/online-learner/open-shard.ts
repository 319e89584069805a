import { HeadraceError } from '../../shared/errors.ts';
import type { ModelState } from '../../shared/domain/model-directory.ts';
import { shardStart } from './domain/due-births.ts';
import { ShardLearner } from './domain/shard-learner.ts';
import type { LearnerPorts, LoadedCheckpoint } from './ports.ts';
import { ShardRuntime } from './shard-runtime.ts';

/** Which shard to open. */
export interface OpenShardInput {
  readonly model: ModelState;
  readonly key: string;
  readonly partition: number;
  readonly ports: LearnerPorts;
}

/** Returns why a stored position cannot be continued from, or undefined when it can. */
async function positionFault(
  { partition, ports }: OpenShardInput,
  learner: ShardLearner,
): Promise<string | undefined> {
  const range = (await ports.logRanges()).get(partition);
  const { position } = learner;
  if (range === undefined) return `training-events.v1 has no partition ${String(partition)}`;
  if (position < range.start)
    return `position ${String(position)} is before the log's start ${String(range.start)}`;
  if (position > range.end)
    return `position ${String(position)} is beyond the log's end ${String(range.end)}`;
  const [lastOffset, digest] = learner.lastRecordDigest.split(':');
  if (lastOffset === undefined || digest === undefined || Number(lastOffset) < range.start) return undefined;
  const found = await ports.digestAt(partition, Number(lastOffset));
  return found === digest
    ? undefined
    : `the record at ${lastOffset} is not the one that was learned: the topic is another one`;
}

function restored(input: OpenShardInput, loaded: LoadedCheckpoint): ShardLearner {
  return ShardLearner.restore(input.model.spec, (name) => {
    const bytes = loaded.sections.get(name);
    if (bytes === undefined) throw new RangeError(`the checkpoint has no section ${name}`);
    return bytes;
  });
}

/**
 * Returns a shard ready to learn, with its epoch raised so that every earlier owner is refused: from its checkpoint when
 * that can be trusted, from the log when it has none. Otherwise returns why not, in words: the shard stays stopped and
 * nothing is skipped. Throws retriable errors when Redis or Kafka is away.
 */
export async function openShard(input: OpenShardInput): Promise<ShardRuntime | string> {
  const { model, key, partition, ports } = input;
  const checkpoint = ports.openCheckpoint(key);
  const runtime = (learner: ShardLearner, saved: number): ShardRuntime =>
    new ShardRuntime({ model, shardKey: key, shard: 0, partition, learner, checkpoint, ports }, saved);
  let loaded: LoadedCheckpoint | undefined;
  try {
    loaded = await checkpoint.takeOver();
  } catch (error) {
    if (error instanceof HeadraceError && !error.retriable) return error.message;
    throw error;
  }
  if (loaded === undefined) {
    const start = shardStart(model);
    if (start.kind === 'nothing-to-learn') return 'there is no version to learn';
    if (start.kind === 'refused') return start.reason;
    const learner = new ShardLearner(model.spec);
    learner.position = start.position;
    const fault = await positionFault(input, learner);
    return fault ?? runtime(learner, -1);
  }
  if (loaded.isFallback) {
    ports.log.error(
      { shard: key, damage: loaded.damage, position: loaded.position },
      'checkpoint damaged: the generation before is used',
    );
  }
  let learner: ShardLearner;
  try {
    learner = restored(input, loaded);
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
  const fault = await positionFault(input, learner);
  if (fault !== undefined) return fault;
  const opened = runtime(learner, learner.position);
  opened.remember((loaded.meta as { learnedToMs: number | null }).learnedToMs);
  ports.log.info({ shard: key, position: learner.position, epoch: checkpoint.epoch() }, 'shard taken over');
  return opened;
}
