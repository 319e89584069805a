import type { Prediction, ScoredEvent, TrainingEvent } from '../../../shared/domain/events.ts';
import { murmur3 } from '../../../shared/domain/murmur3.ts';
import { wholeSection } from '../../../shared/domain/state-section.ts';
import type { StateSection } from '../../../shared/domain/state-section.ts';
import { lossDifference } from './differences.ts';
import { LabelledStreams } from './labelled-streams.ts';
import { LastWindow } from './last-window.ts';
import { MaturityQueue } from './maturity-queue.ts';
import { Counters } from './measures.ts';
import { OutcomeGuard } from './outcome-guard.ts';
import { pairScore, runKey } from './pair.ts';
import type { Assigned, Pair } from './pair.ts';
import type { PairedStream } from './paired-stream.ts';
import { RequestStreams } from './request-streams.ts';
import type { RolloutDescription } from './rollout-description.ts';
import { StageCounts } from './stage-counts.ts';
import { packStates, unpackStates } from './state-pack.ts';
import type { Stored } from './state-pack.ts';
import type { TailStream } from './tail-stream.ts';
import { ValidationWindow } from './validation-window.ts';
import { Warming } from './warming.ts';

/**
 * How long after a rollout began its first learner's scores count, ms by the clocks of the records. Scores name no
 * plan, so that this much time is allowed for the log's record of the beginning to be there before the first score
 * that it concerns.
 */
const LEARNER_GRACE_MS = 2000;

const TIMES = 256;
const COUNT = { requests: 0, matured: 1, wasScored: 2, unscored: 3, watermarkMs: 4, size: 5 };

/** Returns 53 bits of a hash of a text. */
function hash53(text: string): number {
  return (murmur3(text, 0x3c6ef372) >>> 11) * 2 ** 32 + (murmur3(text, 0x1f83d9ab) >>> 0);
}

/** Whether this is a label: what is none is refused by the learner too. */
const isLabel = (label: number): boolean => label === 0 || label === 1;

/** Returns a probability without what subtraction adds in the last places: shares are compared with each other. */
function rounded(probability: number): number {
  return Math.round(probability * 1e9) / 1e9;
}

/**
 * The evidence of one rollout: every stream, what waits for its label, warming and validation. Its bytes are a
 * function of what was taken from each topic, in the topic's order; each e-process reads one topic only, and none
 * depends on when a stage became known.
 */
export class RolloutEvidence {
  readonly of: RolloutDescription;
  readonly labelled: LabelledStreams;
  readonly requestStreams: RequestStreams;
  readonly outcomes: OutcomeGuard | null;
  readonly validation: ValidationWindow;
  readonly warming: Warming;
  readonly waiting = new MaturityQueue();
  readonly #stages = new StageCounts();
  readonly #times = new LastWindow(TIMES);
  readonly #counters = new Counters(COUNT.size);

  constructor(of: RolloutDescription) {
    const { policy, needsWarming } = of;
    this.of = of;
    this.labelled = new LabelledStreams(policy);
    this.requestStreams = new RequestStreams(policy.guards);
    const { badOutcomeMarginRate } = policy.guards;
    this.outcomes = badOutcomeMarginRate === null ? null : new OutcomeGuard(badOutcomeMarginRate);
    this.validation = new ValidationWindow(policy);
    const rule = {
      examplesMin: policy.warmingExamplesMin,
      marginNats: policy.objectives.loss.promoteMarginNats,
    };
    this.warming = new Warming(rule, !needsWarming);
  }

  /** Returns the evidence whose sections had these bytes. Throws RangeError when a size differs. */
  static restore(prefix: string, read: (name: string) => Uint8Array): RolloutEvidence {
    const of = JSON.parse(new TextDecoder().decode(read(`${prefix}/of`))) as RolloutDescription;
    const evidence = new RolloutEvidence(of);
    unpackStates(evidence.#parts(), read(`${prefix}/streams`));
    evidence.validation.restore(read(`${prefix}/validation`));
    evidence.waiting.restore(`${prefix}/waiting`, read);
    evidence.outcomes?.restore(`${prefix}/outcomes`, read);
    return evidence;
  }

  /** Takes an answered prediction: every request counts for the guards that need no label. */
  takePrediction({ planVersion, scores, servedVersion, stalenessMs }: Prediction): void {
    const { startPlanVersion, candidate, baseline } = this.of;
    if (planVersion < startPlanVersion) return;
    this.#counters.add(COUNT.requests);
    const of = (version: number): (typeof scores)[number] | undefined =>
      scores.find((score) => score.version === version);
    const request = {
      candidate: of(candidate),
      baseline: of(baseline),
      candidateAgeMs: servedVersion === candidate ? stalenessMs : -1,
    };
    if (!this.requestStreams.take(request)) return; // one slow run must not fill a hundredth of the suite's requests
    this.validation.takeMicros(request.candidate?.scoringMicros ?? -1, request.baseline?.scoringMicros ?? -1);
  }

  /**
   * Takes a labelled prediction; it counts when its label window has closed, at once where the policy says that
   * labels' delay tells nothing.
   */
  takeTrainingEvent({ id, subject, label, served }: TrainingEvent): void {
    const { policy, startPlanVersion, candidate, baseline } = this.of;
    if (served === null || served.planVersion < startPlanVersion || !isLabel(label)) return;
    if (policy.evidenceFrom === 'learner' && this.outcomes === null) return;
    const of = (version: number): (typeof served.scores)[number] | undefined =>
      served.scores.find((score) => score.version === version);
    const [ofCandidate, ofBaseline] = [of(candidate), of(baseline)];
    const { assignedArm: arm, assignmentProbability } = served;
    const scored = pairScore(ofCandidate);
    const pair: Pair = {
      candidate: scored,
      baseline: pairScore(ofBaseline),
      label,
      atMs: served.predictedAtMs,
      stageKey: served.planVersion,
      ...(scored === 'failed'
        ? { failedRun: runKey(ofCandidate?.scoringMicros ?? -1, ofBaseline?.scoringMicros ?? -1) }
        : {}),
    };
    const assigned: Assigned = {
      arm,
      candidateProbability: arm === 'candidate' ? assignmentProbability : rounded(1 - assignmentProbability),
      subjectHash: hash53(subject),
    };
    if (policy.isLabelDelayIndependent) this.#takeMatured(pair, assigned);
    else this.waiting.add({ pair, assigned, idHash: hash53(id) });
  }

  /**
   * Counts, in the order of their predictions, the pairs whose label window is closed. A watermark closes what the
   * one before it had passed: records of one watermark come one after the other, and only with the next one are all
   * of them here.
   */
  advanceWatermark(watermarkMs: number): void {
    const before = this.#counters.get(COUNT.watermarkMs);
    if (watermarkMs <= before) return;
    this.#counters.add(COUNT.watermarkMs, watermarkMs - before);
    this.waiting.release(before - this.of.windowMs, (pair, assigned) => {
      this.#takeMatured(pair, assigned);
    });
  }

  /**
   * Takes what the learner's versions scored for an event that was no prediction, where the policy takes evidence
   * from there.
   *
   * @param versions in the order of the event's scores
   * @param position offset of the event's record in training-events.v1
   * @param recordTimeMs when the scores were written
   */
  takeScored(
    event: ScoredEvent,
    {
      versions,
      position,
      recordTimeMs,
    }: { versions: readonly number[]; position: number; recordTimeMs: number },
  ): void {
    const { policy, startPosition, startedAtMs, candidate, baseline } = this.of;
    if (policy.evidenceFrom !== 'learner' || event.served || !isLabel(event.label)) return;
    if (position < startPosition || recordTimeMs < startedAtMs + LEARNER_GRACE_MS) return;
    const of = (version: number): Pair['candidate'] => {
      const index = versions.indexOf(version);
      return index < 0 ? 'absent' : pairScore({ score: event.scores[index] ?? null });
    };
    this.#takeJudged({
      candidate: of(candidate),
      baseline: of(baseline),
      label: event.label,
      atMs: event.eventTimeMs,
      stageKey: position,
    });
  }

  /** Requests of the rollout so far. */
  get requests(): number {
    return this.#counters.get(COUNT.requests);
  }

  /** Pairs that have counted so far. */
  get examples(): number {
    return this.#counters.get(COUNT.matured);
  }

  /** Pairs left out because a version had not been there to score them. */
  get unscored(): number {
    return this.#counters.get(COUNT.unscored);
  }

  /** Returns how many pairs have counted since a plan (or, of the learner's scores, a position). */
  examplesSince(stageKey: number): number {
    return this.#stages.since(stageKey);
  }

  /** Mean event time between two pairs that counted lately, ms; null before there are two. */
  get msPerExample(): number | null {
    const times = this.#times.values();
    const [first, last] = [times[0], times.at(-1)];
    if (first === undefined || last === undefined || times.length < 2 || last <= first) return null;
    return (last - first) / (times.length - 1);
  }

  /** All streams of paired differences. */
  get pairedStreams(): readonly (PairedStream | TailStream)[] {
    return [...this.labelled.streams, ...this.requestStreams.streams];
  }

  sections(prefix: string): StateSection[] {
    return [
      wholeSection(`${prefix}/of`, () => new TextEncoder().encode(JSON.stringify(this.of))),
      wholeSection(`${prefix}/streams`, () => packStates(this.#parts())),
      wholeSection(`${prefix}/validation`, () => this.validation.bytes()),
      ...this.waiting.sections(`${prefix}/waiting`),
      ...(this.outcomes?.sections(`${prefix}/outcomes`) ?? []),
    ];
  }

  #takeMatured(pair: Pair, assigned: Assigned): void {
    if (pair.label === 1) this.outcomes?.take(assigned);
    if (this.of.policy.evidenceFrom === 'served') this.#takeJudged(pair);
  }

  #takeJudged(pair: Pair): void {
    const { candidate, baseline } = pair;
    if (candidate !== 'absent') this.#counters.add(COUNT.wasScored, 1 - this.#counters.get(COUNT.wasScored));
    else if (this.#counters.get(COUNT.wasScored) === 0) return; // no router has loaded it yet
    const isJudged = candidate !== 'absent' && typeof baseline === 'number';
    if (isJudged) {
      this.#counters.add(COUNT.matured);
      this.#stages.take(pair.stageKey);
      this.#times.take(pair.atMs);
      if (this.warming.isWarm) this.validation.takePair(pair);
    } else this.#counters.add(COUNT.unscored);
    if (this.warming.isWarm) this.labelled.take(pair);
    else if (isJudged) {
      const isSound = candidate !== 'failed';
      this.warming.take(isSound ? lossDifference({ candidate, baseline, label: pair.label }) : 1);
    }
  }

  #parts(): Record<string, Stored> {
    return {
      ...this.labelled.parts(),
      ...this.requestStreams.parts(),
      warming: this.warming,
      stages: this.#stages,
      times: this.#times,
      counters: this.#counters,
    };
  }
}
