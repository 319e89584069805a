import type { ModelState } from '../../shared/domain/model-directory.ts';
import { dueBirths, nextBirth } from './domain/due-births.ts';
import type { ShardLearner } from './domain/shard-learner.ts';
import type { TimeBudget } from './domain/time-budget.ts';
import type { LearnerPorts, ShardPlace } from './ports.ts';

/** What begins, halts and ends the versions of a shard. */
export interface VersionLivesDeps {
  readonly place: ShardPlace;
  readonly learner: ShardLearner;
  readonly budget: TimeBudget;
  readonly versionBudgetMicros: number;
  readonly ports: LearnerPorts;
  /** Called for each birth, retirement, halt and resumption: it must be durable before it shows. */
  readonly onChange: () => void;
  /** @param weights how many it had */
  readonly onRetired: (version: number, weights: number) => void;
}

/** Brings the versions of one shard to life, lets them go, halts them and resumes them, as the log of versions says. */
export class VersionLives {
  readonly #deps: VersionLivesDeps;
  /** Below which offset no birth of the model is due while these versions live: this is asked for every record. */
  #nothingDue: { model: ModelState | undefined; living: readonly number[]; before: number } = {
    model: undefined,
    living: [],
    before: -1,
  };

  constructor(deps: VersionLivesDeps) {
    this.#deps = deps;
  }

  /** Lets retired versions go. */
  letRetiredGo(model: ModelState): void {
    const { learner, onChange, onRetired } = this.#deps;
    const isRetired = (version: number): boolean =>
      model.versions.some((known) => known.version === version && known.life === 'retired');
    for (const { version } of learner.versions) {
      if (!isRetired(version)) continue;
      const { weights } = learner.learner(version).parameters();
      learner.retire(version);
      onRetired(version, weights.length);
      onChange();
    }
  }

  /** Halts versions over their budget, and resumes those that an operator wants to go on. */
  haltAndResume(model: ModelState): void {
    const { learner, budget, versionBudgetMicros, onChange } = this.#deps;
    const isLive = (version: number): boolean => learner.versions.some((one) => one.version === version);
    for (const version of budget.takeExceeded()) {
      if (!isLive(version) || learner.haltedAt(version) !== undefined) continue;
      learner.halt(version);
      onChange();
      const limit = String(versionBudgetMicros);
      this.noteHalt(version, `it takes more than ${limit} µs for an event, again and again`);
    }
    for (const { version, resumeSequence } of model.versions) {
      if (resumeSequence === 0 || !isLive(version)) continue;
      if (learner.resume(version, resumeSequence)) onChange();
    }
  }

  /** Tells operators of a halt. */
  noteHalt(version: number, reason: string): void {
    const { ports, place } = this.#deps;
    ports.log.error({ model: place.model, version, reason }, 'version halted');
    ports.observe.halted(place.model, version);
  }

  /**
   * Gives life to versions due up to an offset. A birth that the log records happens again at exactly its position when
   * the state is learned again; one that nobody recorded happens where the shard stands.
   */
  bringToLife(model: ModelState, upTo: number): void {
    const { learner } = this.#deps;
    const known = this.#nothingDue;
    if (known.model === model && known.living === learner.liveVersions && upTo < known.before) return;
    for (const due of dueBirths(model, learner.liveVersions, upTo)) {
      if (due.mode === 'copy' && !learner.liveVersions.includes(due.parent ?? 0)) continue;
      if (due.bornPosition !== null) learner.position = Math.max(learner.position, due.bornPosition);
      const how =
        due.mode === 'copy' ? { mode: due.mode, parent: due.parent ?? 0 } : { mode: 'cold' as const };
      learner.birth(due.version, due.learner, how);
      this.#noteBirth(due.version);
    }
    const living = learner.liveVersions;
    this.#nothingDue = { model, living, before: nextBirth(model, living) };
  }

  /** The first offset at which `bringToLife` may have something to do. */
  get nextDue(): number {
    return this.#nothingDue.before;
  }

  /** Lets a version taught from the past learn with the others from here on. */
  adopt(version: number, from: ShardLearner, startPosition: number): void {
    this.#deps.learner.adopt(version, from, startPosition);
    this.#noteBirth(version);
  }

  #noteBirth(version: number): void {
    const { ports, place, learner, onChange } = this.#deps;
    ports.log.info({ model: place.model, version, position: learner.position }, 'version born');
    onChange();
  }
}
