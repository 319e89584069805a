import { actionsOf } from '../../../deploy/demo/actions.ts';
import type { Flight } from '../../../deploy/demo/flights.ts';
import { flightsModel } from '../../../deploy/demo/model.ts';
import { lossDifference } from '../../../services/monitor/domain/differences.ts';
import { describeRollout } from '../../../services/monitor/domain/rollout-description.ts';
import { RolloutEvidence } from '../../../services/monitor/domain/rollout-evidence.ts';
import { verdictOf } from '../../../services/monitor/domain/verdict-of.ts';
import { VersionLearner } from '../../../services/online-learner/domain/version-learner.ts';
import { assignSubject } from '../../../services/router/domain/assign-subject.ts';
import type { Prediction } from '../../../shared/domain/events.ts';
import type { FeatureSpec, FeatureValue } from '../../../shared/domain/model-spec.ts';
import { createRng } from '../../../shared/domain/rng.ts';
import type { RolloutPhase } from '../../../shared/domain/rollout.ts';
import { logistic, normal } from '../verdicts/synthetic-world.ts';
import { startMemoryRollout } from './memory-registry.ts';

/** Flights that both versions learn before the rollout begins. */
export const WARM_FLIGHTS = 3000;
/** Flights of the rollout at most. */
export const LIVE_FLIGHTS = 12_000;
const HOUR_MS = 3_600_000;
const LOOK_EVERY = 5;

const RATES = { sound: 0.1, wild: 20 };
const SPEC = {
  ...flightsModel,
  features: flightsModel.features as readonly FeatureSpec[], // literals widen to strings there
  learner: { ...flightsModel.learner, tableBits: 14, alpha: RATES.sound },
  label: { windowMs: 6 * HOUR_MS, onWindowEnd: 'drop' },
  rollout: { triesMax: 1, holdMinMs: 600_000 },
};

/** Standard deviation of what a version's answers are off by when its parameters are damaged, logits. */
const DAMAGE_LOGITS = 0.8;

/**
 * What a candidate is, compared with stable: `better` and `worse` where the parameters of stable, or of the candidate, are
 * damaged; `wild` learns far too fast. Each learner misses its own twentieth of the examples, or fifth where they are `apart`:
 * these are equal on the whole, and for hundreds of flights at a time one knows more of the day's weather than the other.
 */
export type PolicyKind = 'equal' | 'apart' | 'better' | 'worse' | 'wild';

interface Ability {
  readonly alpha: number;
  readonly damageLogits: number;
}

const SOUND: Ability = { alpha: RATES.sound, damageLogits: 0 };
const DAMAGED: Ability = { alpha: RATES.sound, damageLogits: DAMAGE_LOGITS };
const ABILITIES: Readonly<Record<PolicyKind, readonly [stable: Ability, candidate: Ability]>> = {
  equal: [SOUND, SOUND],
  apart: [SOUND, SOUND],
  better: [DAMAGED, SOUND],
  worse: [SOUND, DAMAGED],
  wild: [SOUND, { alpha: RATES.wild, damageLogits: 0 }],
};

/** How one rollout ended. */
export interface PolicyRun {
  readonly kind: PolicyKind;
  /** A stage under way when the flights ran out. */
  readonly phase: RolloutPhase;
  readonly flights: number;
  /** Mean difference of the loss over all labelled flights of the rollout, nats. */
  readonly meanDifference: number;
  readonly because: string;
}

const rowOf = ({ features }: Flight): FeatureValue[] =>
  SPEC.features.map(({ name }) => features[name as keyof Flight['features']]);

/** Runs one rollout on flights in event time: what learns, judges, decides and assigns is what the services run. */
export async function runFlightRollout(
  flights: readonly Flight[],
  kind: PolicyKind,
  seed: number,
): Promise<PolicyRun> {
  const rng = createRng(seed);
  const abilities = ABILITIES[kind];
  const learners = abilities.map(({ alpha }, index) =>
    VersionLearner.cold(SPEC, index + 1, { ...SPEC.learner, kind: 'ftrl-logistic', alpha }, 0),
  );
  const damaged = (score: number, logits: number): number =>
    logits === 0 ? score : logistic(Math.log(score / (1 - score)) + logits * normal(rng));
  const learnedShare = kind === 'apart' ? 0.8 : 0.95;
  const learn = (flight: Flight): void => {
    for (const learner of learners)
      if (rng.next() < learnedShare) learner.step(rowOf(flight), flight.label, 1);
  };
  for (const flight of flights.slice(0, WARM_FLIGHTS)) learn(flight);
  const live = flights.slice(WARM_FLIGHTS);
  const clock = { nowMs: live[0]?.departureMs ?? 0 };
  const registry = await startMemoryRollout(SPEC, clock);
  const began = registry.model();
  if (began.rollout === null) throw new TypeError('no rollout');
  const evidence = new RolloutEvidence(describeRollout(began, began.rollout));
  const waiting = new Map<string, Prediction>();
  let [asked, landed, differences, counted] = [0, 0, 0, 0];

  function depart(flight: Flight): void {
    const { plan } = registry.model();
    const assignment = assignSubject(
      { ...plan, stable: plan.stable ?? 1 },
      { subject: flight.route, row: [], features: [] },
      () => true,
    );
    const scores = learners.map((learner, index) => ({
      version: index + 1,
      score: damaged(learner.predict(rowOf(flight)), abilities[index]?.damageLogits ?? 0),
      scoringMicros: Math.round(200 * Math.exp(0.5 * normal(rng))),
      failed: false,
    }));
    const prediction: Prediction = {
      id: `0~${flight.id}`,
      predictedAtMs: flight.departureMs,
      subject: flight.route,
      features: [],
      planVersion: plan.planVersion,
      assignedArm: assignment.arm,
      servedVersion: assignment.version,
      assignmentProbability: assignment.probability,
      position: 0,
      learnedToMs: null,
      stalenessMs: 0,
      latencyMicros: 0,
      scores,
    };
    asked += 1;
    waiting.set(flight.id, prediction);
    evidence.takePrediction(prediction);
  }

  function land(flight: Flight): void {
    const prediction = waiting.get(flight.id);
    waiting.delete(flight.id);
    if (prediction === undefined || flight.landingMs > flight.departureMs + SPEC.label.windowMs) return;
    const { id, subject, predictedAtMs, scores } = prediction;
    const { label } = flight;
    const served = { ...prediction, predictionId: id, labelledAtMs: flight.landingMs };
    const example = { id, eventTimeMs: predictedAtMs, subject, features: [], label, weight: 1 };
    learn(flight);
    evidence.takeTrainingEvent({ ...example, labelSource: 'label', served });
    evidence.advanceWatermark(flight.landingMs);
    const [baseline = 0, candidate = 0] = scores.map(({ score }) => score ?? 0);
    differences += lossDifference({ baseline, candidate, label });
    counted += 1;
  }

  async function look(): Promise<RolloutPhase> {
    const { rollout } = registry.model();
    if (rollout === null) throw new TypeError('no rollout');
    if (rollout.appliedAtMs === null) await registry.signal({ kind: 'applied', stage: rollout.stage });
    await registry.signal({ kind: 'time' });
    const { value, evidence: told } = verdictOf(evidence, rollout);
    if (value === 'wait') return rollout.phase;
    const { rolloutId, stage, candidate, stagePlanVersion: planVersion } = rollout;
    const heard = { rolloutId, stage, candidate, planVersion, value, heardAtMs: clock.nowMs };
    await registry.signal({ kind: 'verdict', verdict: { ...heard, evidence: told({}) } });
    return registry.model().rollout?.phase ?? rollout.phase;
  }

  let phase: RolloutPhase = began.rollout.phase;
  for (const { kind: what, flight, atMs } of actionsOf(live)) {
    clock.nowMs = atMs;
    if (what === 'departs') depart(flight);
    else {
      land(flight);
      landed += 1;
      if (landed % LOOK_EVERY === 0) phase = await look();
    }
    if (phase === 'full' || phase === 'rolledBack') break;
  }
  const { rollout } = registry.model();
  const because = rollout === null ? '' : verdictOf(evidence, rollout).evidence({}).because;
  return { kind, phase, flights: asked, meanDifference: differences / Math.max(1, counted), because };
}
