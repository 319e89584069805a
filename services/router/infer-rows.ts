import type { FeatureValue, ModelSpec } from '../../shared/domain/model-spec.ts';
import { createRowAnswering, rowOfValues, unavailable } from './answer-row.ts';
import type { AnswerDeps, RowAsk, RowResult, Unavailable } from './answer-row.ts';
import { assignSubject, pinTo } from './domain/assign-subject.ts';
import type { Assignment, ServingPlan } from './domain/assign-subject.ts';
import { openColumns } from './domain/infer-tensors.ts';
import type { InferColumns } from './domain/infer-tensors.ts';
import type { InferAsk } from './domain/parse-infer.ts';
import { createRowScoring } from './score-rows.ts';

/** A sound Open Inference Protocol request, with everything that was decided about it. */
export interface RowsToInfer {
  readonly spec: ModelSpec;
  readonly plan: ServingPlan;
  /** Version that the request names. */
  readonly pinned: number | undefined;
  readonly ask: InferAsk;
  /** Whether a version may be asked first. */
  readonly isReady: (version: number) => boolean;
  /** When the request came, by the monotonic clock, ms. */
  readonly arrivedMs: number;
  readonly traceparent: string | undefined;
}

/** What all rows of a request were answered. */
export interface InferredRows {
  readonly kind: 'answered';
  readonly columns: InferColumns;
  /** Whether one was answered by stable in place of the candidate. */
  readonly isFallback: boolean;
}

/** Answers all rows of a request or none. */
export type InferRows = (given: RowsToInfer) => Promise<InferredRows | Unavailable>;

/** Returns what rows were answered, a column an output; the first refusal when there is one. */
function columnsOf(results: readonly RowResult[]): InferredRows | Unavailable {
  const columns = openColumns(results.length);
  let isFallback = false;
  for (const [at, one] of results.entries()) {
    if (one.kind !== 'answered') return one;
    const { answer } = one;
    columns.score[at] = answer.score;
    columns.version[at] = answer.version;
    columns.arm[at] = answer.arm;
    columns.snapshot_position[at] = answer.snapshotPosition;
    columns.staleness_ms[at] = answer.stalenessMs;
    columns.prediction_id[at] = answer.predictionId;
    isFallback ||= one.isFallback;
  }
  return { kind: 'answered', columns, isFallback };
}

/**
 * Returns how to answer the rows of a request. Rows with a subject are assigned, answered and logged each as a prediction; rows
 * about nobody are scored by stable, or by the version that the request names.
 */
export function createRowInference(deps: AnswerDeps & { readonly newId: () => string }): InferRows {
  const answerRow = createRowAnswering(deps);
  const scoreRows = createRowScoring(deps);

  function answerAll(asks: readonly RowAsk[]): Promise<RowResult[]> {
    return new Promise((resolve) => {
      const results = new Array<RowResult>(asks.length);
      let left = asks.length;
      asks.forEach((ask, at) => {
        answerRow(ask, (result) => {
          results[at] = result;
          left -= 1;
          if (left === 0) resolve(results);
        });
      });
    });
  }

  async function answered(
    given: RowsToInfer,
    subjects: readonly string[],
  ): Promise<InferredRows | Unavailable> {
    const { spec, plan, pinned, ask, isReady, arrivedMs, traceparent } = given;
    const { features } = spec;
    const assigned = (subject: string, row: readonly FeatureValue[]): Assignment =>
      pinned === undefined ? assignSubject(plan, { subject, row, features }, isReady) : pinTo(plan, pinned);
    const predictedAtMs = deps.nowMs();
    const asks = ask.rows.map((values, at): RowAsk => {
      const subject = subjects[at] ?? '';
      return {
        spec,
        plan,
        row: rowOfValues(values, subject),
        assignment: assigned(subject, values),
        mayFallBack: pinned === undefined,
        subject,
        id: deps.newId(),
        predictedAtMs,
        arrivedMs,
        traceparent,
      };
    });
    return columnsOf(await answerAll(asks));
  }

  async function scored({
    spec,
    plan,
    pinned,
    ask,
    traceparent,
  }: RowsToInfer): Promise<InferredRows | Unavailable> {
    const { version, arm } = pinTo(plan, pinned ?? plan.stable);
    const { name: model } = spec;
    const columns = await scoreRows({ model, version, arm, rows: ask.rows, traceparent });
    if (columns === undefined) return unavailable(deps.versions, model, version);
    return { kind: 'answered', columns, isFallback: false };
  }

  return (given) => {
    const { subjects } = given.ask;
    return subjects === undefined ? scored(given) : answered(given, subjects);
  };
}
