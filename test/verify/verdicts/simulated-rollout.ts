import { RolloutEvidence } from '../../../services/monitor/domain/rollout-evidence.ts';
import type { RolloutDescription } from '../../../services/monitor/domain/rollout-description.ts';
import { verdictOf } from '../../../services/monitor/domain/verdict-of.ts';
import type { JudgedRollout } from '../../../services/monitor/domain/verdict-of.ts';
import type { Prediction, ServedScore } from '../../../shared/domain/events.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../shared/domain/rollout-policy.ts';
import type { RolloutPolicy } from '../../../shared/domain/rollout-policy.ts';
import type { RolloutPhase, RolloutState } from '../../../shared/domain/rollout.ts';

/** Steps of a simulated label window: a label comes 0 … 100 requests after its prediction. */
export const WINDOW_STEPS = 100;

const STEP_MS = 100;
const PLAN = 10;

/** One request of a simulated rollout with all that ever becomes known of it. */
export interface SimulatedRequest {
  readonly label: 0 | 1;
  readonly baseline: number | null;
  /** Null when it failed, undefined when the router had not loaded it. */
  readonly candidate: number | null | undefined;
  readonly baselineMicros: number;
  readonly candidateMicros: number;
  readonly subject: string;
  readonly isCandidateArm: boolean;
  /** Probability of the candidate's arm. */
  readonly share: number;
  /** After how many requests the label comes, 0 … WINDOW_STEPS. */
  readonly delaySteps: number;
}

/** Returns the default policy with every stream on and one try, so that all of alpha is this rollout's. */
export function strictPolicy(more: Partial<RolloutPolicy> = {}): RolloutPolicy {
  const quality = { thresholdProbability: 0.5, marginRate: 0.02 };
  return {
    ...DEFAULT_ROLLOUT_POLICY,
    objectives: {
      ...DEFAULT_ROLLOUT_POLICY.objectives,
      accuracy: quality,
      precision: quality,
      recall: quality,
    },
    guards: { ...DEFAULT_ROLLOUT_POLICY.guards, badOutcomeMarginRate: 0.1 },
    triesMax: 1,
    ...more,
  };
}

/** What a simulated rollout is of. */
export interface SimulationOptions {
  readonly policy?: RolloutPolicy;
  readonly needsWarming?: boolean;
}

/** A rollout whose requests and labels are fed to the monitor's own evidence, without sockets. */
export class SimulatedRollout {
  readonly #arriving = new Map<number, { readonly prediction: Prediction; readonly label: 0 | 1 }[]>();
  #evidence: RolloutEvidence;
  #stage: RolloutState;
  #step = 0;

  constructor({ policy = DEFAULT_ROLLOUT_POLICY, needsWarming = false }: SimulationOptions = {}) {
    const of: RolloutDescription = {
      rolloutId: 'simulated/2/1',
      candidate: 2,
      baseline: 1,
      attempt: 1,
      startPlanVersion: PLAN,
      startPosition: 0,
      startedAtMs: 0,
      policy,
      windowMs: WINDOW_STEPS * STEP_MS,
      isLabelledOnly: false,
      needsWarming,
    };
    this.#evidence = new RolloutEvidence(of);
    this.#stage = {
      ...of,
      stable: 1,
      phase: 'shadow',
      step: -1,
      stage: 1,
      pausedBecause: null,
      stageBeganAtMs: 0,
      appliedAtMs: 0,
      stagePlanVersion: PLAN,
      stagePosition: 0,
      extendedMs: 0,
    };
  }

  get evidence(): RolloutEvidence {
    return this.#evidence;
  }

  /** Requests so far. */
  get requests(): number {
    return this.#step;
  }

  /** Moves the rollout to a phase, as the registry would. */
  moveTo(phase: RolloutPhase): void {
    const stage = this.#stage.stage + 1;
    this.#stage = { ...this.#stage, phase, stage, stagePlanVersion: PLAN + stage };
  }

  /** Takes one request and every label that comes with it. */
  take(request: SimulatedRequest): void {
    const at = this.#step;
    const prediction = this.#predictionOf(request, at);
    this.#evidence.takePrediction(prediction);
    const due = at + request.delaySteps;
    const waiting = this.#arriving.get(due) ?? [];
    waiting.push({ prediction, label: request.label });
    this.#arriving.set(due, waiting);
    this.#deliver(at);
    this.#step += 1;
  }

  /** Delivers every label that is still to come and closes all windows. */
  finish(): void {
    for (let step = this.#step; step <= this.#step + WINDOW_STEPS; step += 1) this.#deliver(step);
    this.#evidence.advanceWatermark((this.#step + 3 * WINDOW_STEPS) * STEP_MS);
    this.#evidence.advanceWatermark((this.#step + 4 * WINDOW_STEPS) * STEP_MS);
  }

  /** Stores the evidence and goes on with what was stored, as after a kill. */
  restart(): void {
    const stored = new Map(
      this.#evidence.sections('r').map((section) => [section.name, Uint8Array.from(section.bytes())]),
    );
    this.#evidence = RolloutEvidence.restore('r', (name) => stored.get(name) ?? new Uint8Array());
  }

  verdict(): JudgedRollout {
    return verdictOf(this.#evidence, this.#stage);
  }

  #deliver(step: number): void {
    for (const { prediction, label } of this.#arriving.get(step) ?? []) {
      const { id, subject, predictedAtMs } = prediction;
      this.#evidence.takeTrainingEvent({
        id,
        eventTimeMs: predictedAtMs,
        subject,
        features: [],
        label,
        weight: 1,
        labelSource: 'label',
        served: { ...prediction, predictionId: id, labelledAtMs: step * STEP_MS },
      });
    }
    this.#arriving.delete(step);
    this.#evidence.advanceWatermark(step * STEP_MS);
  }

  #predictionOf(request: SimulatedRequest, step: number): Prediction {
    const { baseline, candidate, baselineMicros, candidateMicros, isCandidateArm, share, subject } = request;
    const scores: ServedScore[] = [
      { version: 1, score: baseline, scoringMicros: baselineMicros, failed: baseline === null },
    ];
    if (candidate !== undefined)
      scores.push({
        version: 2,
        score: candidate,
        scoringMicros: candidateMicros,
        failed: candidate === null,
      });
    return {
      id: `0~${String(step)}`,
      predictedAtMs: step * STEP_MS,
      subject,
      features: [],
      planVersion: this.#stage.stagePlanVersion,
      assignedArm: isCandidateArm ? 'candidate' : 'stable',
      servedVersion: isCandidateArm ? 2 : 1,
      assignmentProbability: isCandidateArm ? share : 1 - share,
      position: 0,
      learnedToMs: null,
      stalenessMs: 5,
      latencyMicros: 300,
      scores,
    };
  }
}
