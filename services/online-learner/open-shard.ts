import { HeadraceError } from '../../shared/errors.ts';
import type { ModelState } from '../../shared/domain/model-directory.ts';
import { decodeLastRecord, otherTopicFault, rangeFault } from '../../shared/domain/position-fault.ts';
import { shardStart } from './domain/due-births.ts';
import { keptBeside, NOTHING_BESIDE } from './domain/kept-beside.ts';
import type { KeptBeside } from './domain/kept-beside.ts';
import { ShardLearner } from './domain/shard-learner.ts';
import type { LearnerPorts, LoadedCheckpoint, OpenedFrom, ShardCheckpoint, ShardPlace } from './ports.ts';
import { ShardRuntime } from './shard-runtime.ts';
import type { ShardSettings } from './shard-runtime.ts';

const TOPIC = 'training-events.v1';

/** Which shard to open. */
export interface OpenShardInput {
  readonly model: ModelState;
  readonly place: ShardPlace;
  readonly settings: ShardSettings;
  readonly ports: LearnerPorts;
}

/** A state to go on from, before its position is held against the log. */
interface FoundState {
  readonly learner: ShardLearner;
  readonly beside: KeptBeside;
  readonly from: OpenedFrom;
}

/** Returns why a stored position cannot be continued from, or undefined when it can. */
async function positionFault(
  { place: { partition }, ports }: OpenShardInput,
  learner: ShardLearner,
): Promise<string | undefined> {
  const range = (await ports.logRanges()).get(partition);
  if (range === undefined) return `${TOPIC} has no partition ${String(partition)}`;
  const fault = rangeFault(TOPIC, learner.position, range);
  if (fault !== undefined) return fault;
  const last = decodeLastRecord(learner.lastRecordDigest);
  if (last === undefined || last.offset < range.start) return undefined;
  return (await ports.digestAt(partition, last.offset)) === last.digest
    ? undefined
    : otherTopicFault(TOPIC, last);
}

function restored(
  { model }: OpenShardInput,
  sections: ReadonlyMap<string, Uint8Array>,
): ShardLearner | string {
  try {
    return ShardLearner.restore(model.spec, (name) => {
      const bytes = sections.get(name);
      if (bytes === undefined) throw new RangeError(`the state has no section ${name}`);
      return bytes;
    });
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}

/** Returns what the checkpoint holds: undefined when there is none, words when it cannot be used. */
async function fromCheckpoint(
  input: OpenShardInput,
  checkpoint: ShardCheckpoint,
): Promise<FoundState | undefined | string> {
  let loaded: LoadedCheckpoint | undefined;
  try {
    loaded = await checkpoint.takeOver();
  } catch (error) {
    if (error instanceof HeadraceError && !error.retriable) return error.message;
    throw error;
  }
  if (loaded === undefined) return undefined;
  const learner = restored(input, loaded.sections);
  if (typeof learner === 'string') return learner;
  if (loaded.isFallback) {
    const { damage, position } = loaded;
    input.ports.log.error(
      { shard: input.place.shardKey, damage, position },
      'checkpoint damaged: the generation before is used',
    );
  }
  return {
    learner,
    beside: keptBeside(loaded.meta),
    from: loaded.isFallback ? 'previous-generation' : 'checkpoint',
  };
}

/** Returns the newest milestone that can be used, or undefined. */
async function fromMilestone(input: OpenShardInput): Promise<FoundState | undefined> {
  const { ports, place } = input;
  const { state, damaged } = await ports.openMilestones(place).newest();
  for (const damage of damaged) ports.log.error({ shard: place.shardKey, damage }, 'milestone damaged');
  if (state === undefined) return undefined;
  const learner = restored(input, new Map(state.sections.map(({ name, bytes }) => [name, bytes])));
  if (typeof learner === 'string') {
    ports.log.error({ shard: place.shardKey, damage: learner }, 'milestone does not fit the model');
    return undefined;
  }
  const { milestoneSequence } = input.model;
  return {
    learner,
    beside: { ...NOTHING_BESIDE, learnedToMs: state.learnedToMs, milestoneSequence },
    from: 'milestone',
  };
}

/** Returns a state that knows nothing yet, where the log says it begins, or why there is none, in words. */
function fromLog({ model }: OpenShardInput): FoundState | string {
  const start = shardStart(model);
  if (start.kind === 'nothing-to-learn') return 'there is no version to learn';
  if (start.kind === 'refused') return start.reason;
  const learner = new ShardLearner(model.spec);
  learner.position = start.position;
  const { milestoneSequence } = model;
  return { learner, beside: { ...NOTHING_BESIDE, milestoneSequence }, from: 'log' };
}

/** Moves a state to where an operator wants it to go on, once for each such command. */
function repositioned({ model }: OpenShardInput, found: FoundState): FoundState {
  const { repositioned: wanted } = model;
  if (wanted === null || wanted.sequence <= found.beside.repositionSequence) return found;
  found.learner.position = wanted.position;
  found.learner.lastRecordDigest = '';
  return { ...found, beside: { ...found.beside, repositionSequence: wanted.sequence } };
}

/**
 * Returns a shard ready to learn, with its epoch raised so that every earlier owner is refused: from its checkpoint, else
 * from the generation before, else from the newest milestone, else from the log. When its position does not fit the log, or
 * nothing can be trusted, returns why, in words: the shard stays stopped and nothing is skipped. Throws retriable errors
 * when Redis or Kafka is away.
 */
export async function openShard(input: OpenShardInput): Promise<ShardRuntime | string> {
  const { model, place, settings, ports } = input;
  const checkpoint = ports.openCheckpoint(place.shardKey);
  const kept = await fromCheckpoint(input, checkpoint);
  if (typeof kept === 'string') {
    ports.log.error({ shard: place.shardKey, damage: kept }, 'checkpoint cannot be used');
    ports.observe.damaged(place.model);
  } else if (kept?.from === 'previous-generation') ports.observe.damaged(place.model);
  const found =
    (typeof kept === 'string' ? undefined : kept) ?? (await fromMilestone(input)) ?? fromLog(input);
  if (typeof found === 'string') return typeof kept === 'string' ? `${kept}; ${found}` : found;
  const { learner, beside, from } = repositioned(input, found);
  const fault = await positionFault(input, learner);
  if (fault !== undefined) return fault;
  ports.observe.opened(place.model, from);
  const { position } = learner;
  ports.log.info({ shard: place.shardKey, position, from, epoch: checkpoint.epoch() }, 'shard taken over');
  const isSaved = from === 'checkpoint' && beside.repositionSequence === found.beside.repositionSequence;
  const savedPosition = isSaved ? position : -1;
  return new ShardRuntime({ model, place, learner, beside, checkpoint, savedPosition, settings, ports });
}
