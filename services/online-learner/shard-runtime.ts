import type { ModelState } from '../../shared/domain/model-directory.ts';
import { RecordApplier } from './domain/apply-record.ts';
import type { PlacedRecord } from './domain/applied-records.ts';
import { GoldenRows } from './domain/golden-rows.ts';
import type { KeptBeside } from './domain/kept-beside.ts';
import type { ShardLearner } from './domain/shard-learner.ts';
import { Tally } from './domain/tally.ts';
import { TimeBudget } from './domain/time-budget.ts';
import { MilestoneKeeper } from './milestone-keeper.ts';
import type { LearnerPorts, OutRecord, Outcome, ShardCheckpoint, ShardPlace } from './ports.ts';
import { addOutcomes, ALREADY_LEARNED, applyObserver } from './record-outcomes.ts';
import { ScoresGatherer } from './scores-gatherer.ts';
import { ShardSaver } from '../../shared/checkpoint/shard-saver.ts';
import { figuresOf, shardView } from './shard-view.ts';
import type { ShardView } from './shard-view.ts';
import { createSnapshotPublisher } from './snapshot-publisher.ts';
import type { SnapshotPublisher } from './snapshot-publisher.ts';
import { VersionLives } from './version-lives.ts';

/** Limits of a shard at work. */
export interface ShardSettings {
  /** Least time between two checkpoints, ms. */
  readonly checkpointIntervalMs: number;
  /** Events between two milestones. */
  readonly milestoneEvents: number;
  /** The most a version may take for an event, µs. */
  readonly versionBudgetMicros: number;
}

/** What a shard is made of when it is taken over. */
export interface ShardRuntimeDeps {
  readonly model: ModelState;
  readonly place: ShardPlace;
  readonly learner: ShardLearner;
  readonly beside: KeptBeside;
  readonly checkpoint: ShardCheckpoint;
  /** Position of the checkpoint it was opened from; -1 when it must be saved at once. */
  readonly savedPosition: number;
  readonly settings: ShardSettings;
  readonly ports: LearnerPorts;
}

/** One shard at work: applies records in order, brings versions to life, saves, keeps milestones and publishes. */
export class ShardRuntime {
  readonly deps: ShardRuntimeDeps;
  readonly learner: ShardLearner;
  readonly saver: ShardSaver;
  readonly #golden: GoldenRows;
  readonly #publisher: SnapshotPublisher;
  readonly #milestones: MilestoneKeeper;
  readonly #budget: TimeBudget;
  readonly #lives: VersionLives;
  readonly #scores: ScoresGatherer;
  readonly #applier: RecordApplier;
  #model: ModelState;
  readonly #tally = new Tally();
  #beside: KeptBeside;
  /** Births, retirements, halts and what else changes without moving the position, so far. */
  #changes = 0;
  /** `#changes` when the last milestone of births was asked for. */
  #keptChanges = 0;

  constructor(deps: ShardRuntimeDeps) {
    const { place, learner, ports, settings } = deps;
    this.deps = deps;
    this.learner = learner;
    this.#model = deps.model;
    this.#beside = deps.beside;
    const { features, snapshots } = deps.model.spec;
    this.#golden = new GoldenRows(features.length);
    this.#budget = new TimeBudget(settings.versionBudgetMicros, ports.monotonicMs);
    this.#scores = new ScoresGatherer(place);
    this.#applier = new RecordApplier(
      learner,
      deps.model.spec,
      applyObserver({ scores: this.#scores, golden: this.#golden, liveVersions: () => learner.liveVersions }),
      this.#budget,
    );
    this.#lives = new VersionLives({
      place,
      learner,
      budget: this.#budget,
      versionBudgetMicros: settings.versionBudgetMicros,
      ports,
      onChange: () => {
        this.#changes += 1;
      },
      onRetired: (version, weights) => {
        void this.#publisher.forget(version, weights).catch(() => undefined); // a snapshot left behind serves nobody: no plan names it
      },
    });
    this.saver = new ShardSaver({
      checkpoint: deps.checkpoint,
      monotonicMs: ports.monotonicMs,
      intervalMs: settings.checkpointIntervalMs,
      savedPosition: deps.savedPosition < 0 ? '' : String(deps.savedPosition),
      picture: () => {
        this.#settleTally();
        return {
          position: String(learner.position),
          changes: this.#changes,
          meta: this.#beside,
          sections: learner.sections(),
        };
      },
      onSaved: (cost, seconds) => {
        ports.observe.checkpoint(place.model, seconds, cost);
      },
    });
    this.#milestones = new MilestoneKeeper({
      milestones: ports.openMilestones(place),
      kept: deps.beside.milestones,
      copy: () => ({
        position: learner.position,
        learnedToMs: this.#beside.learnedToMs,
        sections: learner.sections().map((section) => ({
          name: section.name,
          bytes: Uint8Array.from(section.bytes()),
        })),
      }),
      onKept: ({ position, reason }) => {
        ports.observe.milestone(place.model, reason);
        ports.log.info({ shard: place.shardKey, position, reason }, 'milestone kept');
      },
      onFailure: (reason) => {
        ports.log.warn({ shard: place.shardKey, reason }, 'milestone not written; it will be tried again');
      },
    });
    this.#publisher = createSnapshotPublisher({
      model: place.model,
      shardKey: place.shardKey,
      shard: place.shard,
      partition: place.partition,
      minIntervalMs: snapshots.minIntervalMs,
      learner,
      golden: this.#golden,
      incarnation: deps.checkpoint.epoch,
      learnedToMs: () => this.#beside.learnedToMs,
      mayPublish: () => !this.hasUnsavedChanges,
      ports,
    });
  }

  /** Position that is durable: where a restart would begin; -1 before the first checkpoint. */
  get savedPosition(): number {
    const { savedPosition } = this.saver;
    return savedPosition === '' ? -1 : Number(savedPosition);
  }

  get isUnsaved(): boolean {
    return this.hasUnsavedChanges || this.learner.position !== this.savedPosition;
  }

  /** Whether something changed without moving the position since the last save: it must be durable before it shows. */
  get hasUnsavedChanges(): boolean {
    return this.#changes !== this.saver.savedChanges;
  }

  get model(): ModelState {
    return this.#model;
  }

  /** Takes what the log says of the model now; the next `reconcile` acts on it. */
  update(model: ModelState): void {
    this.#model = model;
  }

  /**
   * Brings due versions to life at the present position, lets retired ones go, halts those over their budget, resumes those
   * an operator wants to go on, and asks for milestones that are due.
   */
  reconcile(): void {
    this.#lives.letRetiredGo(this.#model);
    this.#lives.bringToLife(this.#model, this.learner.position);
    this.#lives.haltAndResume(this.#model);
    const { repositioned } = this.#model;
    if (repositioned !== null && repositioned.sequence > this.#beside.repositionSequence) {
      this.#keepBeside({ repositionSequence: repositioned.sequence }); // it was for a stopped shard
    }
  }

  /** Lets a version taught from the past learn with the others from here on. */
  adopt(version: number, from: ShardLearner, startPosition: number): void {
    this.#lives.adopt(version, from, startPosition);
  }

  /** Asks for the milestones that are due. Call it when the state is saved: nothing of it is on its way. */
  keepDueMilestones(): void {
    this.#settleTally();
    if (this.#milestones.isBusy) return;
    const { milestoneSequence } = this.#model;
    if (milestoneSequence > this.#beside.milestoneSequence) {
      this.#keepBeside({ milestoneSequence, eventsSinceMilestone: 0 });
      this.#milestones.keep('command');
    } else if (this.#changes !== this.#keptChanges) this.#milestones.keep('births');
    else if (this.#beside.eventsSinceMilestone >= this.deps.settings.milestoneEvents) {
      this.#beside = { ...this.#beside, eventsSinceMilestone: 0 };
      this.#milestones.keep('events');
    }
    this.#keptChanges = this.#changes;
    this.#beside = { ...this.#beside, milestones: this.#milestones.kept };
  }

  /**
   * Applies the records `from … to - 1` in order, moves the position past each, and adds what became of each to `outcomes`.
   * Synchronous: nothing can come between their events.
   */
  apply(
    records: readonly PlacedRecord[],
    { from, to }: { readonly from: number; readonly to: number },
    outcomes: Outcome<OutRecord>[],
  ): void {
    for (let at = from; at < to;) {
      const offset = records[at]?.source.offset ?? 0;
      if (offset < this.learner.position) {
        outcomes.push(ALREADY_LEARNED);
        at += 1;
        continue;
      }
      this.#lives.bringToLife(this.#model, offset);
      const { nextDue } = this.#lives;
      let end = at + 1;
      while (end < to && (records[end]?.source.offset ?? 0) < nextDue) end += 1;
      this.#applyRun(records, at, end, outcomes);
      at = end;
    }
  }

  /** Applies records between which no version is born. */
  #applyRun(
    records: readonly PlacedRecord[],
    from: number,
    to: number,
    outcomes: Outcome<OutRecord>[],
  ): void {
    const { refused, halted, screenedBy, ...applied } = this.#applier.applyAll(records, from, to);
    this.#tally.add({ ...applied, refused: refused.length });
    for (const { version, reason } of halted) this.#lives.noteHalt(version, reason);
    const { place, ports } = this.deps;
    for (const { version, fence } of screenedBy) ports.observe.screened(place.model, version, fence);
    addOutcomes(outcomes, to - from, refused);
  }

  /** Returns the scores of everything applied since the last call, as records. */
  takeScores(): OutRecord[] {
    return this.#scores.take();
  }

  /** Moves past offsets that hold nothing for this shard. */
  skipTo(nextOffset: number): void {
    this.learner.position = Math.max(this.learner.position, nextOffset);
  }

  /** An event with this W3C trace context is about to be applied. */
  noteTrace(traceparent: string): void {
    this.#publisher.noteTrace(traceparent);
  }

  publishDue(): void {
    this.#settleTally();
    this.deps.ports.observe.position(this.deps.place.model, this.learner.position);
    this.#publisher.publishDue();
  }

  view(): ShardView {
    return shardView({
      shard: this.deps.place.shard,
      learner: this.learner,
      savedPosition: this.savedPosition,
      milestones: this.#milestones.kept,
      stateDigest: this.deps.ports.stateDigest,
    });
  }

  /** Tells the metrics how every version does. */
  observeVersions(): void {
    for (const { version, figures } of figuresOf(this.learner)) {
      this.deps.ports.observe.version(this.#model.spec.name, version, figures);
    }
  }

  stop(): void {
    this.#publisher.stop();
    this.#milestones.stop();
  }

  /** Takes what records have done since the last call into what is kept beside the state, and tells the metrics. */
  #settleTally(): void {
    const taken = this.#tally.take(this.#beside);
    if (taken === undefined) return;
    this.#beside = taken.beside;
    this.deps.ports.observe.events(this.deps.place.model, taken.counts);
  }

  #keepBeside(change: Partial<KeptBeside>): void {
    this.#beside = { ...this.#beside, ...change };
    this.#changes += 1;
    this.#keptChanges += 1;
  }
}
