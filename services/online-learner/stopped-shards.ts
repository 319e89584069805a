import type { ModelState } from '../../shared/domain/model-directory.ts';
import type { LearnerPorts } from './ports.ts';

/** Shards that do not learn because their state or log cannot be trusted. */
export interface StoppedShards {
  /** Why each is stopped, by shard key. */
  readonly reasons: ReadonlyMap<string, string>;
  /** Remembers that a shard is stopped, and raises the alarm. */
  stop(shardKey: string, model: ModelState, reason: string): void;
  /** Returns whether a shard stays stopped: it is, and no operator has said since where it is to go on. */
  keeps(shardKey: string, model: ModelState | undefined): boolean;
  /** A shard works again. */
  forget(shardKey: string, model: ModelState): void;
  /** All are to be tried again. */
  forgetAll(): void;
}

/** Returns the list of stopped shards, empty. */
export function createStoppedShards(ports: Pick<LearnerPorts, 'observe' | 'log'>): StoppedShards {
  const reasons = new Map<string, string>();
  /** Newest command to move the shard that was tried. */
  const tried = new Map<string, number>();
  return {
    reasons,
    stop(shardKey, model, reason) {
      reasons.set(shardKey, reason);
      tried.set(shardKey, model.repositioned?.sequence ?? 0);
      ports.observe.alarm(model.spec.name, true);
      ports.log.error(
        { shard: shardKey, reason },
        'shard stopped: see "A shard stopped" in services/online-learner/README.md',
      );
    },
    keeps: (shardKey, model) =>
      reasons.has(shardKey) && (model?.repositioned?.sequence ?? 0) <= (tried.get(shardKey) ?? 0),
    forget(shardKey, model) {
      reasons.delete(shardKey);
      ports.observe.alarm(model.spec.name, false);
    },
    forgetAll() {
      reasons.clear();
    },
  };
}
