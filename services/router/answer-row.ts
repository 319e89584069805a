import type { AvroWriter } from '../../shared/domain/avro-writer.ts';
import type { Arm, ServedScore, TrafficPlan } from '../../shared/domain/events.ts';
import type { FeatureValue, ModelSpec } from '../../shared/domain/model-spec.ts';
import { predictionId, shardOfSubject } from '../../shared/domain/prediction-id.ts';
import { PUBLISHED_POSITION } from '../../shared/domain/published-model.ts';
import { UNASSIGNED_PLAN } from '../../shared/domain/traffic-target.ts';
import { messageOf } from '../../shared/errors.ts';
import { plannedVersions } from './domain/assign-subject.ts';
import type { Assignment } from './domain/assign-subject.ts';
import { writePrediction, writeValue } from './domain/prediction-avro.ts';
import type { WrittenPrediction, WrittenRow } from './domain/prediction-avro.ts';
import { predictionBytes } from './domain/prediction-bytes.ts';
import { traceFirstAnswer } from './first-answer.ts';
import { ValuesRow } from './loaded-version.ts';
import type { RowInput } from './loaded-version.ts';
import type { Tracing } from './ports.ts';
import type { LoggedPrediction, PredictionLog } from './prediction-log.ts';
import { NOT_SCORED } from './version-runs.ts';
import type { RowScore } from './version-runs.ts';
import type { VersionServers } from './version-servers.ts';

/** A row as it came: what scores it, what logs it. */
export interface AskedRow extends WrittenRow {
  readonly input: RowInput;
  /** The most that the prediction takes as Avro, bytes. */
  readonly bytes: number;
  /** Called once, when nothing of the row is needed any more. */
  release?(): void;
}

/** A row to be answered, with everything that was decided about it. */
export interface RowAsk {
  readonly spec: ModelSpec;
  readonly plan: TrafficPlan;
  readonly row: AskedRow;
  readonly assignment: Assignment;
  /** Whether another version than the assigned one may answer. */
  readonly mayFallBack: boolean;
  /** Whom it is about. */
  readonly subject: string;
  /** Id within the shard. */
  readonly id: string;
  readonly predictedAtMs: number;
  /** When the request came, by the monotonic clock, ms. */
  readonly arrivedMs: number;
  readonly traceparent: string | undefined;
}

/** The answer to one row. */
export interface RowAnswer {
  readonly model: string;
  readonly predictionId: string;
  readonly version: number;
  readonly score: number;
  readonly arm: Arm;
  readonly snapshotPosition: number;
  readonly learnedToMs: number | null;
  readonly stalenessMs: number;
  readonly planVersion: number;
}

/** Why there is no answer at the moment. */
export interface Unavailable {
  readonly kind: 'unavailable';
  readonly reason: string;
}

/** An answer, or why there is none at the moment. */
export type RowResult =
  { readonly kind: 'answered'; readonly answer: RowAnswer; readonly isFallback: boolean } | Unavailable;

/** What answering needs. */
export interface AnswerDeps {
  readonly versions: VersionServers;
  readonly log: PredictionLog;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly tracing: Tracing;
}

/** Answers a row: calls back once and in any case, before versions that do not answer are scored. */
export type AnswerRow = (ask: RowAsk, done: (result: RowResult) => void) => void;

const INT_MAX = 0x7fff_ffff;

function served(version: number, score: RowScore): ServedScore {
  const scoringMicros = Math.min(score.scoringMicros, INT_MAX);
  return { version, score: score.ok ? score.score : null, scoringMicros, failed: !score.ok };
}

/** Returns that a version cannot answer, and why. */
export function unavailable(versions: VersionServers, model: string, version: number): Unavailable {
  const left = versions.of(model, version)?.leftAlone();
  const reason = versions.notReady(model, version) ?? left ?? 'it failed to score';
  return { kind: 'unavailable', reason: `version ${String(version)} of ${model} cannot answer: ${reason}` };
}

/** Returns a row of values. */
export function rowOfValues(values: readonly FeatureValue[], subject: string): AskedRow {
  return {
    input: new ValuesRow(values),
    bytes: predictionBytes(subject, values),
    writeFeatures: (writer) => {
      for (const value of values) writeValue(writer, value);
    },
  };
}

/**
 * Returns how to answer a row: the assigned version is scored and answered first; the other planned versions that are ready
 * are scored after the answer, and all scores are logged. Where the spec says `acknowledged` the answer waits for the log.
 */
export function createRowAnswering(deps: AnswerDeps): AnswerRow {
  const { versions, log } = deps;
  /** Versions of each plan, in order. */
  const planned = new WeakMap<TrafficPlan, readonly number[]>();

  function versionsOf(plan: TrafficPlan): readonly number[] {
    const known = planned.get(plan);
    if (known !== undefined) return known;
    const made = plannedVersions(plan);
    planned.set(plan, made);
    return made;
  }

  function scoreBy(ask: RowAsk, version: number, done: (score: RowScore) => void): void {
    const server = versions.of(ask.spec.name, version);
    if (server === undefined) done(NOT_SCORED);
    else server.score(ask.row.input, done);
  }

  /** Adds the scores of the other planned versions that are ready, in the order of the plan. */
  function scoreOthers(ask: RowAsk, scores: ServedScore[], done: () => void): void {
    const { name } = ask.spec;
    const all = versionsOf(ask.plan);
    if (all.length === 1 && all[0] === scores[0]?.version) {
      done();
      return;
    }
    const isScored = (version: number): boolean => scores.some((one) => one.version === version);
    const others = all.filter(
      (version) => !isScored(version) && versions.notReady(name, version) === undefined,
    );
    let left = others.length;
    if (left === 0) {
      done();
      return;
    }
    const found: ServedScore[] = [];
    others.forEach((version, at) => {
      scoreBy(ask, version, (score) => {
        found[at] = served(version, score);
        left -= 1;
        if (left > 0) return;
        scores.push(...found);
        done();
      });
    });
  }

  /** Logs a prediction; calls back at once, or when it is on Kafka where the answer has to wait for that. */
  function logPrediction(
    ask: RowAsk,
    prediction: WrittenPrediction & { readonly scores: ServedScore[] },
    done: (refusal?: string) => void,
  ): void {
    const { spec, row, traceparent } = ask;
    const { bytes } = row;
    const mustWait = spec.predictionLog === 'acknowledged';
    if (!log.reserve(spec.name, bytes)) {
      row.release?.();
      done(mustWait ? 'the prediction log is full' : undefined);
      return;
    }
    if (!mustWait) done();
    scoreOthers(ask, prediction.scores, () => {
      const shard = shardOfSubject(prediction.subject, spec.shards);
      const writeTo = (writer: AvroWriter): void => {
        writePrediction(writer, prediction, spec.features.length);
      };
      const item: LoggedPrediction = { spec, shard, bytes, traceparent, writeTo };
      if (mustWait) {
        log.write(item).then(
          () => {
            done();
          },
          (error: unknown) => {
            done(`the prediction could not be logged: ${messageOf(error)}`);
          },
        );
      } else log.add(item);
      row.release?.();
    });
  }

  function conclude(
    ask: RowAsk,
    by: { readonly version: number; readonly scores: ServedScore[]; readonly result: RowScore },
    done: (result: RowResult) => void,
  ): void {
    const { spec, plan, assignment, subject } = ask;
    const { version, scores, result } = by;
    if (!result.ok) {
      ask.row.release?.();
      done(unavailable(versions, spec.name, version));
      return;
    }
    const { snapshot, score } = result;
    const answer: RowAnswer = {
      model: spec.name,
      predictionId: predictionId(shardOfSubject(subject, spec.shards), ask.id),
      version,
      score,
      arm: assignment.arm,
      snapshotPosition: snapshot.position,
      learnedToMs: snapshot.learnedToMs,
      stalenessMs: Math.max(0, deps.nowMs() - snapshot.publishedAtMs),
      planVersion: plan.planVersion,
    };
    if (snapshot.takeTrace !== undefined)
      traceFirstAnswer(deps.tracing, snapshot.takeTrace(), { ...answer, traceparent: ask.traceparent });
    const isFallback = assignment.arm === 'candidate' && version !== plan.candidate;
    const answered: RowResult = { kind: 'answered', answer, isFallback };
    const prediction = {
      id: answer.predictionId,
      predictedAtMs: ask.predictedAtMs,
      subject,
      row: ask.row,
      planVersion: assignment.isDirected ? UNASSIGNED_PLAN : plan.planVersion,
      assignedArm: assignment.arm,
      servedVersion: version,
      assignmentProbability: assignment.probability,
      position: snapshot.position,
      learnedToMs: snapshot.learnedToMs,
      stalenessMs: snapshot.position === PUBLISHED_POSITION ? -1 : answer.stalenessMs, // a file does not get stale
      latencyMicros: Math.min(Math.round((deps.monotonicMs() - ask.arrivedMs) * 1000), INT_MAX),
      scores,
    };
    logPrediction(ask, prediction, (refusal) => {
      done(refusal === undefined ? answered : { kind: 'unavailable', reason: refusal });
    });
  }

  return (ask, done) => {
    const { plan, assignment, mayFallBack } = ask;
    const { stable } = plan;
    const { version } = assignment;
    scoreBy(ask, version, (result) => {
      const scores = [served(version, result)];
      if (result.ok || !mayFallBack || stable === null || version === stable) {
        conclude(ask, { version, scores, result }, done);
        return;
      }
      scoreBy(ask, stable, (second) => {
        scores.push(served(stable, second));
        conclude(ask, { version: stable, scores, result: second }, done);
      });
    });
  };
}
