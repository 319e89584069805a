import type { ModelState, VersionState } from '../../shared/domain/model-directory.ts';
import { isRetriable, messageOf } from '../../shared/errors.ts';
import { RecordApplier } from './domain/apply-record.ts';
import { ShardLearner } from './domain/shard-learner.ts';
import type { LearnerPorts, ShardPlace } from './ports.ts';

/** Learning the past takes at most this share of the thread's time, so that the present goes on. */
const SHARE_MAX = 0.25;

/** How long it learns at a stretch, ms; a record is never divided. */
const SLICE_MS = 2;

/** So many offsets from the present the version is let in: the rest is learned while the others wait. */
const CLOSE_OFFSETS = 256;

const PAUSE_AFTER_FAILURE_MS = 1000;
const CAUGHT_UP_PAUSE_MS = 20;

/** What learning the past needs. */
export interface PastLearningDeps {
  readonly model: ModelState;
  readonly place: ShardPlace;
  readonly version: VersionState;
  /** Where the others stand. */
  readonly present: () => number;
  readonly ports: LearnerPorts;
  /** Called when learning the past has come to an end that no retry can change. */
  readonly onImpossible: (reason: string) => void;
}

/** A version that learns the past by itself, beside the others, until it can join them. */
export interface PastLearning {
  readonly version: number;
  /** Whether it is so close to the present that it can be let in. */
  readonly isClose: () => boolean;
  /** Learns what is left up to a position and returns the learner. The others must not move meanwhile. */
  finish(position: number): Promise<ShardLearner>;
  stop(): void;
}

/** Returns the learner with which the past begins, or why it cannot. */
async function beginning({ model, place, version, ports }: PastLearningDeps): Promise<ShardLearner | string> {
  const { startPosition, mode, parent, learner: config } = version;
  if (mode === 'history') {
    const learner = new ShardLearner(model.spec);
    learner.position = startPosition;
    learner.birth(version.version, config, { mode: 'cold' });
    return learner;
  }
  const { state } = await ports.openMilestones(place).newest(startPosition);
  if (state?.position !== startPosition) return `there is no milestone at ${String(startPosition)}`;
  const sections = new Map(state.sections.map(({ name, bytes }) => [name, bytes]));
  const learner = ShardLearner.restore(model.spec, (name) => sections.get(name) ?? new Uint8Array());
  const living = learner.versions.map((one) => one.version);
  if (!living.includes(parent ?? 0))
    return `the milestone at ${String(startPosition)} has no version ${String(parent)}`;
  for (const other of living) if (other !== parent) learner.retire(other);
  learner.birth(version.version, config, { mode: 'copy', parent: parent ?? 0 });
  learner.retire(parent ?? 0);
  return learner;
}

/**
 * Begins to teach a version the past from its start position, through a reader of its own and in slices of 2 ms that take at
 * most a quarter of the thread's time. A restart of the process begins anew: nothing of it is stored before it joins.
 */
export function learnPast(deps: PastLearningDeps): PastLearning {
  const { model, place, version, ports, present } = deps;
  const stopping = new AbortController();
  let learner: ShardLearner | undefined;
  let running: Promise<void> = Promise.resolve();
  let isFinishing = false;
  const isEnding = (): boolean => isFinishing || stopping.signal.aborted;

  async function learnTo(teach: ShardLearner, to: number, isPaced: boolean): Promise<void> {
    const applier = new RecordApplier(teach, model.spec);
    let sliceBeganMs = ports.monotonicMs();
    for await (const past of ports.readPast(place.partition, teach.position, to, stopping.signal)) {
      for (const { value, offset, timestampMs } of past.records) {
        if (value.model !== place.model || value.shard !== place.shard) continue;
        applier.apply(value, { offset, timestampMs });
        const tookMs = ports.monotonicMs() - sliceBeganMs;
        if (!isPaced || tookMs < SLICE_MS) continue;
        await ports.pause(tookMs / SHARE_MAX - tookMs, stopping.signal);
        sliceBeganMs = ports.monotonicMs();
      }
      teach.position = Math.max(teach.position, past.nextOffset);
      ports.observe.backfill(place.model, version.version, teach.position, present());
      if (isPaced && isEnding()) return;
    }
  }

  async function run(): Promise<void> {
    for (;;) {
      if (isEnding()) return;
      try {
        if (learner === undefined) {
          const begun = await beginning(deps);
          if (typeof begun === 'string') {
            deps.onImpossible(begun);
            return;
          }
          learner = begun;
        }
        if (present() > learner.position) await learnTo(learner, present(), true);
        else await ports.pause(CAUGHT_UP_PAUSE_MS, stopping.signal);
      } catch (error) {
        if (isEnding()) return;
        if (!isRetriable(error)) throw error;
        ports.log.warn(
          { shard: place.shardKey, reason: messageOf(error) },
          'learning the past is tried again',
        );
        await ports.pause(PAUSE_AFTER_FAILURE_MS, stopping.signal);
      }
    }
  }

  running = run().catch((error: unknown) => {
    if (!stopping.signal.aborted) deps.onImpossible(messageOf(error));
  });

  return {
    version: version.version,
    isClose: () => learner !== undefined && present() - learner.position <= CLOSE_OFFSETS,
    async finish(position) {
      isFinishing = true;
      await running;
      const ready = learner;
      if (ready === undefined) throw new RangeError(`version ${String(version.version)} has not begun`);
      if (ready.position < position) await learnTo(ready, position, false);
      return ready;
    },
    stop() {
      stopping.abort();
    },
  };
}
