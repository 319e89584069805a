import type { Arm, Prediction, ServedScore } from '../../shared/domain/events.ts';
import type { FeatureValue, ModelSpec } from '../../shared/domain/model-spec.ts';
import { predictionId, shardOfSubject } from '../../shared/domain/prediction-id.ts';
import { UNASSIGNED_PLAN } from '../../shared/domain/traffic-target.ts';
import { plannedVersions } from './domain/assign-subject.ts';
import type { Assignment } from './domain/assign-subject.ts';
import { predictionBytes } from './domain/prediction-bytes.ts';
import type { TrafficPlan } from '../../shared/domain/events.ts';
import { messageOf } from '../../shared/errors.ts';
import type { LoggedPrediction, PredictionLog } from './prediction-log.ts';
import type { RowScore } from './version-server.ts';
import type { VersionServers } from './version-servers.ts';

/** A row to be answered, with everything that was decided about it. */
export interface RowAsk {
  readonly spec: ModelSpec;
  readonly plan: TrafficPlan;
  readonly row: readonly FeatureValue[];
  readonly assignment: Assignment;
  /** Whether another version than the assigned one may answer. */
  readonly mayFallBack: boolean;
  /** Whom it is about; undefined when nobody is named, and then nothing is logged. */
  readonly subject: string | undefined;
  /** Id within the shard. */
  readonly id: string;
  readonly predictedAtMs: number;
  /** When the request came, by the monotonic clock, ms. */
  readonly arrivedMs: number;
  readonly traceparent: string | undefined;
}

/** The answer to one row. */
export interface RowAnswer {
  readonly predictionId: string;
  readonly version: number;
  readonly score: number;
  readonly arm: Arm;
  readonly snapshotPosition: number;
  readonly learnedToMs: number | null;
  readonly stalenessMs: number;
  readonly planVersion: number;
}

/** An answer, or why there is none at the moment. */
export type RowResult =
  | { readonly kind: 'answered'; readonly answer: RowAnswer; readonly isFallback: boolean }
  | { readonly kind: 'unavailable'; readonly reason: string };

/** What answering needs. */
export interface AnswerDeps {
  readonly versions: VersionServers;
  readonly log: PredictionLog;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
}

const INT_MAX = 0x7fff_ffff;
const NOT_SCORED: RowScore = { ok: false, scoringMicros: -1 };

function served(version: number, score: RowScore): ServedScore {
  const scoringMicros = Math.min(score.scoringMicros, INT_MAX);
  return { version, score: score.ok ? score.score : null, scoringMicros, failed: !score.ok };
}

/**
 * Returns how to answer a row: the assigned version is scored and answered first; the other planned versions that are ready
 * are scored after the answer, and all scores are logged. Where the spec says `acknowledged` the answer waits for the log.
 */
export function createRowAnswering(deps: AnswerDeps): (ask: RowAsk) => Promise<RowResult> {
  const { versions, log } = deps;
  const scoreBy = (model: string, version: number, row: RowAsk['row']): Promise<RowScore> =>
    versions.of(model, version)?.score(row) ?? Promise.resolve(NOT_SCORED);

  async function scoreOthers(ask: RowAsk, scores: ServedScore[]): Promise<void> {
    const model = ask.spec.name;
    const others = plannedVersions(ask.plan).filter(
      (version) =>
        versions.notReady(model, version) === undefined && !scores.some((one) => one.version === version),
    );
    const results = await Promise.all(others.map((version) => scoreBy(model, version, ask.row)));
    results.forEach((result, i) => scores.push(served(others[i] ?? 0, result)));
  }

  /** Logs a prediction; returns why it could not be when the answer had to wait for it. */
  async function logPrediction(
    ask: RowAsk,
    partial: Omit<Prediction, 'scores'>,
    scores: ServedScore[],
  ): Promise<string | undefined> {
    const { spec, subject = '', row, traceparent } = ask;
    const mustWait = spec.predictionLog === 'acknowledged';
    const bytes = predictionBytes(subject, row);
    if (!log.reserve(spec.name, bytes)) return mustWait ? 'the prediction log is full' : undefined;
    const entry = async (): Promise<LoggedPrediction> => {
      await scoreOthers(ask, scores);
      return {
        spec,
        shard: shardOfSubject(subject, spec.shards),
        prediction: { ...partial, scores },
        bytes,
        traceparent,
      };
    };
    if (!mustWait) {
      void entry().then((item) => {
        log.add(item);
      });
      return undefined;
    }
    try {
      await log.write(await entry());
      return undefined;
    } catch (error) {
      return `the prediction could not be logged: ${messageOf(error)}`;
    }
  }

  return async (ask) => {
    const { spec, plan, row, assignment, subject } = ask;
    const { stable } = plan;
    let { version } = assignment;
    let result = await scoreBy(spec.name, version, row);
    const scores = [served(version, result)];
    if (!result.ok && ask.mayFallBack && stable !== null && version !== stable) {
      version = stable;
      result = await scoreBy(spec.name, version, row);
      scores.push(served(version, result));
    }
    if (!result.ok) {
      const server = versions.of(spec.name, version);
      const reason = versions.notReady(spec.name, version) ?? server?.leftAlone() ?? 'it failed to score';
      return {
        kind: 'unavailable',
        reason: `version ${String(version)} of ${spec.name} cannot answer: ${reason}`,
      };
    }
    const { snapshot, score } = result;
    const answer: RowAnswer = {
      predictionId: predictionId(shardOfSubject(subject ?? '', spec.shards), ask.id),
      version,
      score,
      arm: assignment.arm,
      snapshotPosition: snapshot.position,
      learnedToMs: snapshot.learnedToMs,
      stalenessMs: Math.max(0, deps.nowMs() - snapshot.publishedAtMs),
      planVersion: plan.planVersion,
    };
    const isFallback = assignment.arm === 'candidate' && version !== plan.candidate;
    if (subject === undefined) return { kind: 'answered', answer, isFallback };
    const refusal = await logPrediction(
      ask,
      {
        id: answer.predictionId,
        predictedAtMs: ask.predictedAtMs,
        subject,
        features: row,
        planVersion: assignment.isDirected ? UNASSIGNED_PLAN : plan.planVersion,
        assignedArm: assignment.arm,
        servedVersion: version,
        assignmentProbability: assignment.probability,
        position: snapshot.position,
        learnedToMs: snapshot.learnedToMs,
        stalenessMs: answer.stalenessMs,
        latencyMicros: Math.min(Math.round((deps.monotonicMs() - ask.arrivedMs) * 1000), INT_MAX),
      },
      scores,
    );
    return refusal === undefined
      ? { kind: 'answered', answer, isFallback }
      : { kind: 'unavailable', reason: refusal };
  };
}
