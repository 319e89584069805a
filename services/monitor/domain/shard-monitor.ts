import { DuplicateWindow } from '../../../shared/domain/duplicate-window.ts';
import type { Arm, Predictions, ScoredEvent, Scores, TrainingEvents } from '../../../shared/domain/events.ts';
import { wholeSection } from '../../../shared/domain/state-section.ts';
import type { StateSection } from '../../../shared/domain/state-section.ts';
import { UNASSIGNED_PLAN } from '../../../shared/domain/traffic-target.ts';
import { FreshnessClock } from './freshness-clock.ts';
import { LogHistogram } from './log-histogram.ts';
import {
  ARM_COUNT,
  ArmMeasures,
  Counters,
  restoreParts,
  sectionsOf,
  VERSION_COUNT,
  VersionMeasures,
} from './measures.ts';
import type { RolloutDescription } from './rollout-description.ts';
import { RolloutEvidence } from './rollout-evidence.ts';

/** Topics the monitor reads, in the order in which their positions are kept. */
export const MONITORED_TOPICS = ['training-events.v1', 'predictions.v1', 'scores.v1'] as const;

/** A topic the monitor reads. */
export type MonitoredTopic = (typeof MONITORED_TOPICS)[number];

/** Next offset of each topic that the state has not seen. */
export type Positions = Readonly<Record<MonitoredTopic, number>>;

/** Places of the shard's counters. */
export const SHARD_COUNT = { labelled: 0, defaulted: 1, repeated: 2, watermarkMs: 3, size: 4 } as const;

interface Meta {
  readonly positions: Positions;
  readonly versions: readonly number[];
  /** Offset after the training record whose scores were measured last. */
  readonly scoredTo: number;
  /** Whether there is evidence of a rollout; states stored before there were rollouts do not say. */
  readonly hasRollout?: boolean;
}

/**
 * Everything measured of one shard, with the positions up to which it was measured. Synchronous and deterministic:
 * its bytes are a function of the records taken, whenever it was stored and restored in between.
 */
export class ShardMonitor {
  readonly positions: Record<MonitoredTopic, number>;
  readonly versions = new Map<number, VersionMeasures>();
  readonly arms: Readonly<Record<Arm, ArmMeasures>> = {
    stable: new ArmMeasures(),
    candidate: new ArmMeasures(),
  };
  readonly labelDelayMs = new LogHistogram();
  readonly stalenessMs = new LogHistogram();
  readonly freshnessMs = new LogHistogram();
  readonly counters = new Counters(SHARD_COUNT.size);
  #freshness = new FreshnessClock();
  #seen = new DuplicateWindow();
  #scoredTo = 0;
  #rollout: RolloutEvidence | undefined;

  constructor(positions: Positions) {
    this.positions = { ...positions };
  }

  /** Returns the monitor whose sections had these bytes. Throws RangeError when a size differs. */
  static restore(read: (name: string) => Uint8Array): ShardMonitor {
    const meta = JSON.parse(new TextDecoder().decode(read('meta'))) as Meta;
    const monitor = new ShardMonitor(meta.positions);
    monitor.#seen = DuplicateWindow.restore(read('seen'));
    monitor.#scoredTo = meta.scoredTo;
    for (const version of meta.versions) {
      restoreParts(`v${String(version)}`, monitor.version(version).parts(), read);
    }
    for (const arm of ['stable', 'candidate'] as const) restoreParts(arm, monitor.arms[arm].parts(), read);
    restoreParts('shard', monitor.#parts(), read);
    if (meta.hasRollout === true) monitor.#rollout = RolloutEvidence.restore('rollout', read);
    return monitor;
  }

  /** Evidence of the newest rollout; undefined when there was none. */
  get rollout(): RolloutEvidence | undefined {
    return this.#rollout;
  }

  /** Begins the evidence of a rollout unless it is the one that is followed already. The one before it ends. */
  followRollout(of: RolloutDescription): void {
    if (this.#rollout?.of.rolloutId !== of.rolloutId) this.#rollout = new RolloutEvidence(of);
  }

  /** Returns the measures of a version, new ones at its first appearance. */
  version(version: number): VersionMeasures {
    const known = this.versions.get(version);
    if (known !== undefined) return known;
    const made = new VersionMeasures();
    this.versions.set(version, made);
    return made;
  }

  /**
   * Takes what every live version scored before it learned. A learner that was killed sends some of it again: counted
   * only.
   */
  takeScores(record: Scores, recordTimeMs: number): void {
    const { position, events } = record;
    const runs = record.runs.length > 0 ? record.runs : [{ position, events: events.length }];
    let from = 0;
    for (const run of runs) {
      if (run.position < this.#scoredTo) this.counters.add(SHARD_COUNT.repeated, run.events);
      else {
        const events = record.events.slice(from, from + run.events);
        this.#takeScored(record.versions, events);
        for (const event of events)
          this.#rollout?.takeScored(event, {
            versions: record.versions,
            position: run.position,
            recordTimeMs,
          });
      }
      from += run.events;
    }
    if (position < this.#scoredTo) return;
    this.#scoredTo = position + 1;
    this.#advanceWatermark(record.watermarkMs);
  }

  #takeScored(versions: readonly number[], events: readonly ScoredEvent[]): void {
    for (const { scores, label, weight } of events) {
      versions.forEach((version, index) => {
        const score = scores[index];
        if (score != null) this.version(version).learner.record(score, label, weight);
      });
    }
  }

  /** Takes answered predictions. A repeated id is counted and not measured again. */
  takePredictions(record: Predictions, recordTimeMs: number): void {
    for (const prediction of record.predictions) {
      if (!this.#seen.addIfNew(`p${prediction.id}`, recordTimeMs)) {
        this.counters.add(SHARD_COUNT.repeated);
        continue;
      }
      this.#rollout?.takePrediction(prediction);
      if (prediction.planVersion !== UNASSIGNED_PLAN) {
        const arm = this.arms[prediction.assignedArm];
        arm.counters.add(ARM_COUNT.predictions);
        if (prediction.latencyMicros >= 0) arm.latencyMicros.add(prediction.latencyMicros);
      }
      if (prediction.stalenessMs >= 0) this.stalenessMs.add(prediction.stalenessMs);
      this.version(prediction.servedVersion).counters.add(VERSION_COUNT.served);
      for (const { version, failed, scoringMicros } of prediction.scores) {
        const measures = this.version(version);
        measures.counters.add(failed ? VERSION_COUNT.failed : VERSION_COUNT.scored);
        if (scoringMicros >= 0) measures.scoringMicros.add(scoringMicros);
      }
      this.#freshness.answer(prediction.position, recordTimeMs, (delayMs) => {
        this.freshnessMs.add(delayMs);
      });
    }
  }

  /** Takes training events: those that were predictions compare every version on the same labelled example. */
  takeTrainingEvents(record: TrainingEvents, offset: number, recordTimeMs: number): void {
    for (const event of record.events) {
      const { id, label, weight, labelSource, served } = event;
      if (served === null) continue;
      if (!this.#seen.addIfNew(`e${id}`, recordTimeMs)) {
        this.counters.add(SHARD_COUNT.repeated);
        continue;
      }
      this.#rollout?.takeTrainingEvent(event);
      this.counters.add(labelSource === 'default' ? SHARD_COUNT.defaulted : SHARD_COUNT.labelled);
      if (served.labelledAtMs !== null) this.labelDelayMs.add(served.labelledAtMs - served.predictedAtMs);
      for (const { version, score } of served.scores) {
        if (score === null) continue;
        this.version(version).router.record(score, label, weight);
        if (version === served.servedVersion && served.planVersion !== UNASSIGNED_PLAN)
          this.arms[served.assignedArm].answered.record(score, label, weight);
      }
    }
    if (record.events.length > 0) {
      const delayMs = this.#freshness.event(offset, recordTimeMs);
      if (delayMs !== undefined) this.freshnessMs.add(delayMs);
    }
    this.#advanceWatermark(record.watermarkMs);
    if (record.watermarkMs !== null) this.#rollout?.advanceWatermark(record.watermarkMs);
  }

  /** Returns the whole state in canonical order. */
  sections(): readonly StateSection[] {
    const versions = [...this.versions.keys()].sort((a, b) => a - b);
    const hasRollout = this.#rollout !== undefined;
    const meta: Meta = { positions: this.positions, versions, scoredTo: this.#scoredTo, hasRollout };
    return [
      wholeSection('meta', () => new TextEncoder().encode(JSON.stringify(meta))),
      this.#seen.section('seen'),
      ...sectionsOf('shard', this.#parts()),
      ...sectionsOf('stable', this.arms.stable.parts()),
      ...sectionsOf('candidate', this.arms.candidate.parts()),
      ...versions.flatMap((version) => sectionsOf(`v${String(version)}`, this.version(version).parts())),
      ...(this.#rollout?.sections('rollout') ?? []),
    ];
  }

  #parts(): Record<string, Counters | LogHistogram | FreshnessClock> {
    return {
      delay: this.labelDelayMs,
      staleness: this.stalenessMs,
      freshness: this.freshnessMs,
      clock: this.#freshness,
      counters: this.counters,
    };
  }

  #advanceWatermark(watermarkMs: number | null): void {
    const before = this.counters.get(SHARD_COUNT.watermarkMs);
    if (watermarkMs !== null && watermarkMs > before)
      this.counters.add(SHARD_COUNT.watermarkMs, watermarkMs - before);
  }
}
