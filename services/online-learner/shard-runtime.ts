import type { ScoredEvent, TrainingEvents } from '../../shared/domain/events.ts';
import { arrangeRow, rowOrderOf } from '../../shared/domain/feature-row-order.ts';
import { checkRow } from '../../shared/domain/feature-row.ts';
import type { ModelState } from '../../shared/domain/model-directory.ts';
import type { FeatureValue } from '../../shared/domain/model-spec.ts';
import { checkEvent } from './domain/check-event.ts';
import { dueBirths } from './domain/due-births.ts';
import { GoldenRows } from './domain/golden-rows.ts';
import type { ProgressiveSummary } from '../../shared/domain/progressive-metrics.ts';
import type { ShardLearner } from './domain/shard-learner.ts';
import type { LearnerPorts, OutRecord, Outcome, Refusal, ShardCheckpoint } from './ports.ts';
import { createSnapshotPublisher } from './snapshot-publisher.ts';
import type { SnapshotPublisher } from './snapshot-publisher.ts';

/** What a shard is made of when it is taken over. */
export interface ShardRuntimeDeps {
  readonly model: ModelState;
  readonly shardKey: string;
  readonly shard: number;
  readonly partition: number;
  readonly learner: ShardLearner;
  readonly checkpoint: ShardCheckpoint;
  readonly ports: LearnerPorts;
}

/** What can be seen of one shard. */
export interface ShardView {
  readonly shard: number;
  /** Next offset of training-events.v1 that the state has not seen. */
  readonly position: number;
  /** Position of the newest checkpoint; -1 before the first. */
  readonly savedPosition: number;
  /** SHA-256 of the whole state at this position, hex. */
  readonly stateDigest: string;
  readonly versions: readonly {
    readonly version: number;
    readonly bornPosition: number;
    readonly mode: string;
    readonly parent: number | null;
    readonly examplesLearned: number;
    readonly screened: number;
    readonly isHalted: boolean;
    readonly metrics: ProgressiveSummary;
  }[];
}

/** One shard at work: applies records in order, brings versions to life, saves and publishes. */
export class ShardRuntime {
  readonly deps: ShardRuntimeDeps;
  readonly learner: ShardLearner;
  readonly #golden: GoldenRows;
  readonly #publisher: SnapshotPublisher;
  readonly #row: FeatureValue[];
  #model: ModelState;
  #learnedToMs: number | null = null;
  #savedPosition: number;
  #savedAtMs: number;
  /** Births and retirements so far, which change the state without moving the position. */
  #changes = 0;
  #savedChanges = 0;

  constructor(deps: ShardRuntimeDeps, savedPosition: number) {
    this.deps = deps;
    this.learner = deps.learner;
    this.#model = deps.model;
    const { features, snapshots } = deps.model.spec;
    this.#golden = new GoldenRows(features.length);
    this.#row = features.map(() => null);
    this.#savedPosition = savedPosition;
    this.#savedAtMs = deps.ports.monotonicMs();
    this.#publisher = createSnapshotPublisher({
      model: deps.model.spec.name,
      shardKey: deps.shardKey,
      shard: deps.shard,
      partition: deps.partition,
      minIntervalMs: snapshots.minIntervalMs,
      learner: deps.learner,
      golden: this.#golden,
      incarnation: deps.checkpoint.epoch,
      learnedToMs: () => this.#learnedToMs,
      ports: deps.ports,
    });
  }

  /** Position that is durable: where a restart would begin. */
  get savedPosition(): number {
    return this.#savedPosition;
  }

  get isUnsaved(): boolean {
    return this.hasUnsavedBirths || this.learner.position !== this.#savedPosition;
  }

  /** Whether versions were born or let go since the last save: that must be durable before they learn or publish. */
  get hasUnsavedBirths(): boolean {
    return this.#changes !== this.#savedChanges;
  }

  /** Takes what the log says of the model now; the next `reconcile` acts on it. */
  update(model: ModelState): void {
    this.#model = model;
  }

  /** Brings due versions to life at the present position and lets retired ones go. */
  reconcile(): void {
    const retired = this.#model.versions
      .filter(({ life }) => life === 'retired')
      .map(({ version }) => version);
    for (const { version } of this.learner.versions) {
      if (!retired.includes(version)) continue;
      this.learner.retire(version);
      void this.#publisher.forget(version).catch(() => undefined); // a snapshot left behind serves nobody: no plan names it
      this.#changes += 1;
    }
    this.#bringToLife(this.learner.position);
  }

  /** Applies one record and moves the position past it. Synchronous: nothing can come between its events. */
  apply(record: TrainingEvents, offset: number, recordTimeMs: number): Outcome<OutRecord> {
    if (offset < this.learner.position) return { kind: 'skipped', reason: 'already-learned' };
    this.#bringToLife(offset);
    const refused: Refusal[] = [];
    const scored: ScoredEvent[] = [];
    const { features, name } = this.#model.spec;
    const order = rowOrderOf(record.featureNames, features);
    let learned = 0;
    let duplicates = 0;
    let screened = 0;
    for (const [itemIndex, event] of record.events.entries()) {
      arrangeRow(order, event.features, this.#row);
      const fault = checkEvent(event, record.featureNames.length) ?? checkRow(this.#row, features);
      if (fault !== undefined) {
        refused.push({ itemIndex, reason: 'invalid', detail: fault });
        continue;
      }
      const { id, label, weight, eventTimeMs } = event;
      const outcome = this.learner.apply({ id, row: this.#row, label, weight }, recordTimeMs);
      if (outcome.isDuplicate) {
        duplicates += 1;
        continue;
      }
      for (const { version, reason } of outcome.halted) {
        this.deps.ports.log.error({ model: name, version, reason }, 'version halted');
        this.deps.ports.observe.halted(name, version);
      }
      const first = outcome.screened[0];
      if (first !== undefined) {
        refused.push({
          itemIndex,
          reason: 'screened',
          detail: `version ${String(first.version)}: ${first.reason}`,
        });
        screened += 1;
      } else {
        learned += 1;
        this.#golden.add(this.#row);
        this.#learnedToMs = Math.max(this.#learnedToMs ?? 0, eventTimeMs);
      }
      const scores = this.learner.versions.map(
        ({ version }) => outcome.scores.find((one) => one.version === version)?.score ?? null,
      );
      scored.push({ eventId: id, eventTimeMs, label, weight, scores });
    }
    this.learner.position = offset + 1;
    const { observe } = this.deps.ports;
    if (learned > 0) observe.events(name, 'learned', learned);
    if (duplicates > 0) observe.events(name, 'duplicate', duplicates);
    if (screened > 0) observe.events(name, 'screened', screened);
    if (refused.length > screened) observe.events(name, 'refused', refused.length - screened);
    return { kind: 'handled', emit: this.#scoresRecord(record, offset, scored), refused };
  }

  /** Moves past offsets that hold nothing for this shard. */
  skipTo(nextOffset: number): void {
    this.learner.position = Math.max(this.learner.position, nextOffset);
  }

  publishDue(): void {
    this.#publisher.publishDue();
  }

  /** Returns when the state was last saved, on the monotonic clock, ms. */
  get savedAtMs(): number {
    return this.#savedAtMs;
  }

  /** Saves the state as it is. Returns 'fenced' when the shard belongs to somebody else now. */
  async save(): Promise<'saved' | 'fenced'> {
    const { ports, checkpoint, model } = this.deps;
    const startMs = ports.monotonicMs();
    let taken = { position: -1, changes: -1 };
    const result = await checkpoint.save(() => {
      taken = { position: this.learner.position, changes: this.#changes };
      const meta = { learnedToMs: this.#learnedToMs };
      return { position: String(taken.position), meta, sections: this.learner.sections() };
    });
    if (result === 'fenced') return result;
    this.#savedPosition = taken.position;
    this.#savedChanges = taken.changes;
    this.#savedAtMs = ports.monotonicMs();
    ports.observe.checkpoint(model.spec.name, (this.#savedAtMs - startMs) / 1000);
    return result;
  }

  /** Restores what is not part of the state proper but was kept beside it. */
  remember(learnedToMs: number | null): void {
    this.#learnedToMs = learnedToMs;
  }

  view(): ShardView {
    return {
      shard: this.deps.shard,
      position: this.learner.position,
      savedPosition: this.#savedPosition,
      stateDigest: this.deps.ports.stateDigest(this.learner.sections()),
      versions: this.learner.versions.map(({ version, born }) => {
        const one = this.learner.learner(version);
        return {
          version,
          bornPosition: born.position,
          mode: born.mode,
          parent: born.parent ?? null,
          examplesLearned: one.examplesLearned,
          screened: one.screened,
          isHalted: this.learner.haltedAt(version) !== undefined,
          metrics: one.metrics.summary(),
        };
      }),
    };
  }

  /** Tells the metrics how every version does. */
  observeVersions(): void {
    for (const { version } of this.learner.versions) {
      const figures = this.learner.learner(version).metrics.summary();
      this.deps.ports.observe.version(this.deps.model.spec.name, version, {
        examples: figures.examples,
        logLoss: figures.logLoss,
        recentLogLoss: figures.recentLogLoss,
        baseRateLogLoss: figures.baseRateLogLoss,
        accuracy: figures.accuracyRate,
        calibrationError: figures.expectedCalibrationError,
      });
    }
  }

  stop(): void {
    this.#publisher.stop();
  }

  /**
   * Gives life to versions due up to an offset. A birth that the log records happens again at exactly its position when
   * the state is learned again; one that nobody recorded happens where the shard stands.
   */
  #bringToLife(upTo: number): void {
    const living = (): number[] => this.learner.versions.map(({ version }) => version);
    for (const due of dueBirths(this.#model, living(), upTo)) {
      if (due.mode === 'copy' && !living().includes(due.parent ?? 0)) continue;
      if (due.bornPosition !== null) this.skipTo(due.bornPosition);
      const how = due.mode === 'cold' ? { mode: due.mode } : { mode: due.mode, parent: due.parent ?? 0 };
      this.learner.birth(due.version, due.learner, how);
      const { position } = this.learner;
      this.deps.ports.log.info(
        { model: this.#model.spec.name, version: due.version, position },
        'version born',
      );
      this.#changes += 1;
    }
  }

  #scoresRecord(record: TrainingEvents, offset: number, events: readonly ScoredEvent[]): OutRecord[] {
    if (events.length === 0 && record.watermarkMs === null) return [];
    return [
      {
        topic: 'scores.v1',
        key: this.deps.shardKey,
        partition: this.deps.partition,
        value: {
          model: record.model,
          shard: record.shard,
          position: offset,
          versions: this.learner.versions.map(({ version }) => version),
          watermarkMs: record.watermarkMs,
          events,
        },
      },
    ];
  }
}
