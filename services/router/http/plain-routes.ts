import { ownMistake } from '../../../shared/http/problem.ts';
import type { Log } from '../../../shared/observability/log.ts';
import { wantsAnyBinary } from '../domain/infer-parameters.ts';
import type { PlainAsked as Asked, Router } from '../service.ts';
import type { Turns } from '../turns.ts';
import { parseInferJson } from './infer-body.ts';
import { inferenceAnswer, inferenceProblem, plainAnswer } from './plain-answer.ts';
import type { PlainAnswer } from './plain-answer.ts';
import type { PlainKind } from './plain-head.ts';
import { INFERENCE_OVERLOAD, OVERLOAD } from './refuse-overload.ts';
import { problemOf } from './request-of.ts';

/** A plain request of which all has come: its body are the bytes `from … to - 1`. */
export interface PlainAsked extends Omit<Asked, 'bytes'> {
  readonly bytes: Buffer;
}

/** Who waits for the answer. One of the three is called, once. */
export interface PlainClient {
  /** Whether nobody waits any more. */
  readonly isGone: boolean;
  tell(answer: PlainAnswer): void;
  /** Tells it that it has waited too long for its turn. */
  refuse(): void;
  /** Leaves the request to Node's way, as if nobody had looked at it. Nothing of it may have been done. */
  leaveToNode(): void;
}

/** How plain requests of one kind are answered. */
export interface PlainRoute {
  /** Largest body, bytes. */
  readonly bodyLimitBytes: number;
  /** What is told who is not let in. */
  readonly overload: PlainAnswer;
  /** Whether a request’s bytes are looked at after `answer` has returned. Where they are not, they are lent for the call. */
  readonly keepsBytes: boolean;
  /** Answers a request, at once or later. */
  readonly answer: (router: Router, asked: PlainAsked, client: PlainClient) => void;
}

/** What the routes need. */
export interface PlainRoutesDeps {
  /** Bounds the bytes of Open Inference Protocol bodies that are parsed and worked on at a time. */
  readonly bodyTurns: Turns;
  readonly limits: { readonly PREDICT_BODY_BYTES: number; readonly INFER_BODY_BYTES: number };
  readonly log: Log;
}

/** Answers a plain request for a prediction; one whose body is not plain is left to Node's way. */
function predict(router: Router, asked: PlainAsked, client: PlainClient): void {
  const isTaken = router.predictPlain(asked, (result) => {
    client.tell(plainAnswer(result));
  });
  if (!isTaken) client.leaveToNode();
}

/** Returns what the body of an inference request says; undefined when it is no JSON, or wants tensors after the JSON of its answer. */
function plainJson(bytes: Buffer): { readonly body: unknown } | undefined {
  try {
    const body = parseInferJson(bytes);
    return wantsAnyBinary(body) ? undefined : { body };
  } catch {
    return undefined;
  }
}

/** Returns what an inference request whose turn has come is told; undefined when it is left to Node's way. */
async function infer(router: Router, asked: PlainAsked, log: Log): Promise<PlainAnswer | undefined> {
  const { model, bytes, from, to, arrivedMs, traceparent } = asked;
  const json = plainJson(bytes.subarray(from, to));
  if (json === undefined) return undefined;
  try {
    const result = await router.infer({ ...json, model, arrivedMs, traceparent });
    return result.kind === 'answered' ? inferenceAnswer(result.answer) : inferenceProblem(problemOf(result));
  } catch (error) {
    log.error({ err: error, model }, 'request failed');
    return inferenceProblem(ownMistake());
  }
}

/** Returns how plain requests are answered, by kind. */
export function createPlainRoutes({
  bodyTurns,
  limits,
  log,
}: PlainRoutesDeps): Readonly<Record<PlainKind, PlainRoute>> {
  async function begin(router: Router, asked: PlainAsked, client: PlainClient): Promise<void> {
    const answer = client.isGone ? undefined : await infer(router, asked, log);
    bodyTurns.leave(asked.to - asked.from);
    if (answer === undefined) client.leaveToNode();
    else client.tell(answer);
  }

  /** Answers an inference request when it is its turn: what is parsed takes ten times the memory. */
  function inferInTurn(router: Router, asked: PlainAsked, client: PlainClient): void {
    const waiting = bodyTurns.enter(asked.to - asked.from);
    if (waiting === undefined) void begin(router, asked, client);
    else
      void waiting.then((mayBegin) => {
        if (mayBegin) return begin(router, asked, client);
        client.refuse();
      });
  }

  return {
    predict: {
      bodyLimitBytes: limits.PREDICT_BODY_BYTES,
      overload: OVERLOAD,
      keepsBytes: false,
      answer: predict,
    },
    infer: {
      bodyLimitBytes: limits.INFER_BODY_BYTES,
      overload: INFERENCE_OVERLOAD,
      keepsBytes: true,
      answer: inferInTurn,
    },
  };
}
