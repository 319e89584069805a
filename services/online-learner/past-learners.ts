import { pastLearners } from './domain/due-births.ts';
import { learnPast } from './past-learning.ts';
import type { PastLearning } from './past-learning.ts';
import type { LearnerPorts } from './ports.ts';
import type { ShardRuntime } from './shard-runtime.ts';

/** The versions that learn the past beside the living ones of their shards. */
export interface PastLearners {
  /** Begins and ends learning as the log of versions says, and lets those in that have caught up with the shard. */
  reconcile(runtime: ShardRuntime): Promise<void>;
  /** Returns whether a version of the shard is ready to be let in. */
  isClose(shardKey: string): boolean;
  /** Ends learning the past for a shard. */
  stop(shardKey: string): void;
}

/** Returns the learners of the past of all shards of this process. */
export function createPastLearners(ports: LearnerPorts): PastLearners {
  const byShard = new Map<string, Map<number, PastLearning>>();
  /** Versions whose past cannot be learned, with their shard: tried again by a restart. */
  const impossible = new Set<string>();

  function begin(runtime: ShardRuntime, known: Map<number, PastLearning>): void {
    const { place } = runtime.deps;
    const living = runtime.learner.versions.map(({ version }) => version);
    const wanted = pastLearners(runtime.model, living);
    for (const [version, learning] of known) {
      if (wanted.some((one) => one.version === version)) continue;
      learning.stop();
      known.delete(version);
    }
    for (const version of wanted) {
      const name = `${place.shardKey}/${String(version.version)}`;
      if (known.has(version.version) || impossible.has(name)) continue;
      ports.log.info({ shard: place.shardKey, version: version.version }, 'learning the past');
      const learning = learnPast({
        model: runtime.model,
        place,
        version,
        present: () => runtime.learner.position,
        ports,
        onImpossible: (reason) => {
          impossible.add(name);
          known.delete(version.version);
          ports.log.error(
            { shard: place.shardKey, version: version.version, reason },
            'the past cannot be learned',
          );
        },
      });
      known.set(version.version, learning);
    }
  }

  return {
    async reconcile(runtime) {
      const { shardKey } = runtime.deps.place;
      const known = byShard.get(shardKey) ?? new Map<number, PastLearning>();
      byShard.set(shardKey, known);
      begin(runtime, known);
      for (const [version, learning] of known) {
        if (!learning.isClose()) continue;
        const taught = await learning.finish(runtime.learner.position);
        const start = runtime.model.versions.find((one) => one.version === version)?.startPosition ?? 0;
        runtime.adopt(version, taught, start);
        learning.stop();
        known.delete(version);
      }
    },
    isClose: (shardKey) =>
      [...(byShard.get(shardKey)?.values() ?? [])].some((learning) => learning.isClose()),
    stop(shardKey) {
      for (const learning of byShard.get(shardKey)?.values() ?? []) learning.stop();
      byShard.delete(shardKey);
    },
  };
}
