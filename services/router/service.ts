import type { ItemFault } from '../../shared/domain/check-item.ts';
import type { ModelDirectory, ModelState } from '../../shared/domain/model-directory.ts';
import { targetsOf } from '../../shared/domain/traffic-target.ts';
import { createRowAnswering, rowOfValues } from './answer-row.ts';
import { createRowInference } from './infer-rows.ts';
import { createPlainReader } from './plain-predict.ts';
import type { AnswerDeps, RowAnswer, RowAsk, RowResult } from './answer-row.ts';
import { assignSubject, isServing, pinTo, wantedVersion } from './domain/assign-subject.ts';
import type { ServingPlan, Wanted } from './domain/assign-subject.ts';
import { inferOutputs } from './domain/infer-tensors.ts';
import type { InferOutput } from './domain/infer-tensors.ts';
import { parsePredict } from './domain/parse-predict.ts';
import { parseInfer, rowsOf } from './domain/parse-infer.ts';
import { hasLapsed } from './domain/traffic-plans.ts';
import type { HeldPlan, TrafficPlans } from './domain/traffic-plans.ts';
import type { RequestOutcome, RouterObserver } from './ports.ts';
import type { Turns } from './turns.ts';

/** Why a request has no answer. */
export type Refusal =
  | { readonly kind: 'invalid'; readonly fault: ItemFault }
  | { readonly kind: 'not-found'; readonly reason: string }
  /** The same request may be answered a little later. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** The result of a prediction request. */
export type PredictResult = { readonly kind: 'answered'; readonly answer: RowAnswer } | Refusal;

/** The answer to an Open Inference Protocol request. */
export interface InferAnswer {
  readonly model_name: string;
  readonly model_version: string;
  readonly id?: string;
  readonly outputs: readonly InferOutput[];
}

/** The result of an Open Inference Protocol request. */
export type InferResult = { readonly kind: 'answered'; readonly answer: InferAnswer } | Refusal;

/** A request as it came. */
export interface Request {
  readonly model: string;
  readonly body: unknown;
  /** What came after the JSON of an Open Inference Protocol request. */
  readonly binary?: Uint8Array | undefined;
  /** What it names itself, in the path or in a header. */
  readonly wanted?: Wanted;
  /** When it came, by the monotonic clock, ms. */
  readonly arrivedMs: number;
  readonly traceparent: string | undefined;
}

/** A request for a prediction whose body has not been looked at: the bytes `from … to - 1`, which are lent. */
export interface PlainAsked extends Omit<Request, 'body'> {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly to: number;
}

/** Answering from memory. */
export interface Router {
  /**
   * Answers a prediction request as `predict` does, from its bytes and without a promise, and calls back once. Returns false
   * when the request is not a plain one that can be answered; nothing has happened then, and `predict` says what is wrong.
   */
  predictPlain(request: PlainAsked, done: (result: PredictResult) => void): boolean;
  predict(request: Request): Promise<PredictResult>;
  /** Answers all rows or none. */
  infer(request: Request): Promise<InferResult>;
  /** Returns a model; undefined when it does not exist. */
  model(name: string): ModelState | undefined;
  /** Returns why a model, or one version of it, cannot be served; undefined when it can. */
  notReady(model: string, version?: number): string | undefined;
}

/** What the router needs. */
export interface RouterDeps extends AnswerDeps {
  readonly directory: () => ModelDirectory;
  readonly plans: () => TrafficPlans;
  /** Returns the ASCII text of a part of a body. */
  readonly textOf: (bytes: Uint8Array, from: number, to: number) => string;
  /** Returns an id that no other prediction has. */
  readonly newId: () => string;
  readonly rowsMax: number;
  /** Bounds the rows of Open Inference Protocol requests that are in hand at a time. */
  readonly turns: Turns;
  readonly observe: RouterObserver;
}

/** Returns the router's use cases. */
export function createRouter(deps: RouterDeps): Router {
  const { versions, observe } = deps;
  const answerRow = createRowAnswering(deps);
  const inferRows = createRowInference(deps);
  const answerOne = (ask: RowAsk): Promise<RowResult> =>
    new Promise((resolve) => {
      answerRow(ask, resolve);
    });

  function finish<R extends PredictResult | InferResult>(
    protocol: 'predict' | 'infer',
    request: Request,
    ended: { readonly result: R; readonly isFallback?: boolean },
  ): R {
    const { result, isFallback = false } = ended;
    const outcome: RequestOutcome = result.kind === 'answered' && isFallback ? 'fallback' : result.kind;
    const model = deps.directory().has(request.model) ? request.model : '';
    observe.request(protocol, model, outcome, deps.monotonicMs() - request.arrivedMs);
    return result;
  }

  const unknown = (name: string): Refusal => ({ kind: 'not-found', reason: `model ${name} does not exist` });
  const noStable = (name: string): Refusal => ({
    kind: 'unavailable',
    reason: `model ${name} has no stable version`,
  });

  /** Returns whether a version may be asked first: it is ready, and the plan that gives it traffic still holds. */
  const mayAnswer =
    (plan: HeldPlan) =>
    (version: number): boolean =>
      !hasLapsed(plan, deps.monotonicMs()) && versions.notReady(plan.model, version) === undefined;

  /** Returns the version that a request names; undefined when it names none. */
  function pinnedVersion(
    { spec, versions: known }: ModelState,
    plan: ServingPlan,
    wanted: Wanted,
  ): number | Refusal | undefined {
    if (wanted === undefined) return undefined;
    const version = wantedVersion(plan, wanted);
    if (version === undefined) return { kind: 'not-found', reason: `model ${spec.name} has no candidate` };
    if (known.some((one) => one.version === version)) return version;
    return { kind: 'not-found', reason: `model ${spec.name} has no version ${String(version)}` };
  }

  const plain = createPlainReader(deps.textOf);

  function predictPlain(request: PlainAsked, done: (result: PredictResult) => void): boolean {
    const { model, arrivedMs, traceparent } = request;
    const state = deps.directory().get(model);
    const plan = deps.plans().get(model);
    if (state === undefined || !isServing(plan) || targetsOf(plan).length > 0) return false;
    const asked = plain.read(state, request, deps.nowMs());
    if (asked === undefined) return false;
    const { subject, row, id = deps.newId(), predictedAtMs } = asked;
    const assignment = assignSubject(plan, { subject, row: [], features: [] }, mayAnswer(plan)); // no target asks for them
    const ask: RowAsk = {
      spec: state.spec,
      plan,
      row,
      assignment,
      mayFallBack: true,
      subject,
      id,
      predictedAtMs,
      arrivedMs,
      traceparent,
    };
    answerRow(ask, (ended) => {
      const outcome = ended.kind === 'answered' && ended.isFallback ? 'fallback' : ended.kind;
      observe.request('predict', model, outcome, deps.monotonicMs() - arrivedMs);
      done(ended);
    });
    return true;
  }

  async function predict(request: Request): Promise<{ result: PredictResult; isFallback?: boolean }> {
    const { model, arrivedMs, traceparent } = request;
    const state = deps.directory().get(model);
    if (state === undefined) return { result: unknown(model) };
    const parsed = parsePredict(request.body, state.spec, deps.nowMs());
    if ('fault' in parsed) return { result: { kind: 'invalid', fault: parsed.fault } };
    const plan = deps.plans().get(model);
    if (!isServing(plan)) return { result: noStable(model) };
    const pinned = pinnedVersion(state, plan, request.wanted);
    if (pinned !== undefined && typeof pinned !== 'number') return { result: pinned };
    const { subject, row, id = deps.newId(), predictedAtMs } = parsed.ask;
    const assignment =
      pinned === undefined
        ? assignSubject(plan, { subject, row, features: state.spec.features }, mayAnswer(plan))
        : pinTo(plan, pinned);
    const ask: RowAsk = {
      spec: state.spec,
      plan,
      row: rowOfValues(row, subject),
      assignment,
      mayFallBack: pinned === undefined,
      subject,
      id,
      predictedAtMs,
      arrivedMs,
      traceparent,
    };
    const ended = await answerOne(ask);
    return ended.kind === 'answered' ? { result: ended, isFallback: ended.isFallback } : { result: ended };
  }

  async function infer(request: Request): Promise<{ result: InferResult; isFallback?: boolean }> {
    const { model, arrivedMs, traceparent } = request;
    const state = deps.directory().get(model);
    if (state === undefined) return { result: unknown(model) };
    const parsed = parseInfer(request, state.spec, deps.rowsMax);
    if ('fault' in parsed) return { result: { kind: 'invalid', fault: parsed.fault } };
    const plan = deps.plans().get(model);
    if (!isServing(plan)) return { result: noStable(model) };
    const pinned = pinnedVersion(state, plan, request.wanted);
    if (pinned !== undefined && typeof pinned !== 'number') return { result: pinned };
    const { spec } = state;
    const { ask } = parsed;
    const isReady = mayAnswer(plan);
    const found = await inferRows({ spec, plan, pinned, ask, isReady, arrivedMs, traceparent });
    if (found.kind !== 'answered') return { result: found };
    const { columns, isFallback } = found;
    const versionsUsed = new Set(columns.version);
    const [version = plan.stable] = versionsUsed.size === 1 ? versionsUsed : [];
    const answer: InferAnswer = {
      model_name: model,
      model_version: String(version),
      ...(ask.id === undefined ? {} : { id: ask.id }),
      outputs: inferOutputs(columns, ask.outputs),
    };
    return { result: { kind: 'answered', answer }, isFallback };
  }

  return {
    predictPlain,
    predict: async (request) => finish('predict', request, await predict(request)),
    async infer(request) {
      const rows = rowsOf(request.body);
      const mayBegin = (await deps.turns.enter(rows)) ?? true;
      if (!mayBegin)
        return finish('infer', request, {
          result: { kind: 'unavailable', reason: 'the request has waited too long for its turn' },
        });
      try {
        return finish('infer', request, await infer(request));
      } finally {
        deps.turns.leave(rows);
      }
    },
    model: (name) => deps.directory().get(name),
    notReady(model, version) {
      const wanted = version ?? deps.plans().get(model)?.stable ?? undefined;
      return wanted === undefined ? 'it has no stable version' : versions.notReady(model, wanted);
    },
  };
}
