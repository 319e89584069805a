import { STATUS_CODES } from 'node:http';
import type { ServerResponse } from 'node:http';
import { problemDocument, withError } from '../../../shared/http/problem.ts';
import type { HttpProblem, Problem } from '../../../shared/http/problem.ts';
import type { InferAnswer, PredictResult } from '../service.ts';
import { RETRY_AFTER_SECONDS } from './request-of.ts';

/** An answer to a plain request, before its connection is known. */
export interface PlainAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  /** Length of the body, bytes; as many as its characters where it is ASCII. */
  readonly bytes: number;
  readonly isAscii: boolean;
}

type Answered = Extract<PredictResult, { kind: 'answered' }>['answer'];

const ANSWER_TYPE = 'application/json; charset=utf-8';
const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** What of an answer’s JSON is the same for all of one version until it applies another snapshot, and the answer that it is from. */
interface Frame {
  readonly of: Answered;
  readonly beforeScore: string;
  readonly beforeStaleness: string;
  readonly end: string;
}

function frameOf(answer: Answered): Frame {
  const { model, version, arm, snapshotPosition, learnedToMs, planVersion } = answer;
  return {
    of: answer,
    beforeScore: `","model":"${model}","version":${String(version)},"score":`,
    beforeStaleness: `,"arm":"${arm}","snapshotPosition":${String(snapshotPosition)},"learnedToMs":${String(learnedToMs)},"stalenessMs":`,
    end: `,"planVersion":${String(planVersion)}}`,
  };
}

let frame: Frame | undefined;

function isFrameOf(of: Answered, answer: Answered): boolean {
  return (
    of.snapshotPosition === answer.snapshotPosition &&
    of.version === answer.version &&
    of.model === answer.model &&
    of.arm === answer.arm &&
    of.learnedToMs === answer.learnedToMs &&
    of.planVersion === answer.planVersion
  );
}

/**
 * Returns the JSON of an answer. Nothing in it needs an escape: model and id are of characters that do not. The frame of the last
 * one is kept, because most answers differ in id, score and staleness alone.
 */
function answerText(answer: Answered): string {
  if (frame === undefined || !isFrameOf(frame.of, answer)) frame = frameOf(answer);
  const { beforeScore, beforeStaleness, end } = frame;
  return `{"predictionId":"${answer.predictionId}${beforeScore}${String(answer.score)}${beforeStaleness}${String(answer.stalenessMs)}${end}`;
}

/** Returns what a plain request is told. */
export function plainAnswer(result: PredictResult): PlainAnswer {
  if (result.kind === 'answered') {
    const body = answerText(result.answer);
    return { status: 200, type: ANSWER_TYPE, body, bytes: body.length, isAscii: true };
  }
  return problemAnswer(
    problemDocument(503, result.kind === 'invalid' ? result.fault.message : result.reason),
  );
}

function answerOf(status: number, type: string, body: string): PlainAnswer {
  const bytes = Buffer.byteLength(body);
  return { status, type, body, bytes, isAscii: bytes === body.length };
}

/** Returns the answer that a problem document is; who gets status 503 may try again. */
export function problemAnswer(document: Problem): PlainAnswer {
  return answerOf(document.status, PROBLEM_TYPE, JSON.stringify(document));
}

/** Returns what the Open Inference Protocol has for a problem: a document with `error`. */
export function inferenceProblem({ status, message, faults }: HttpProblem): PlainAnswer {
  return problemAnswer(withError(problemDocument(status, message, faults)));
}

/** Returns the answer to an Open Inference Protocol request as JSON. */
export function inferenceAnswer(answer: InferAnswer): PlainAnswer {
  return answerOf(200, ANSWER_TYPE, JSON.stringify(answer));
}

/** Sends an answer by way of Node's HTTP: one write. */
export function sendPlain(
  response: ServerResponse,
  { status, type, body, bytes, isAscii }: PlainAnswer,
): void {
  const headers = ['content-type', type, 'content-length', String(bytes)];
  if (status === 503) headers.push('retry-after', String(RETRY_AFTER_SECONDS));
  response.writeHead(status, headers);
  response.end(body, isAscii ? 'latin1' : 'utf8');
}

function startOf(status: number, type: string): string {
  return `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}\r\ncontent-type: ${type}\r\ncontent-length: `;
}

/** What nearly all answers begin with. */
const ANSWER_START = startOf(200, ANSWER_TYPE);

/**
 * Returns what writes whole answers as HTTP/1.1 has them, with the fields that Node adds (Date, Connection, Keep-Alive).
 *
 * @param nowMs wall clock, ms
 * @param keepAliveMs for how long an idle connection is kept, ms
 */
export function createAnswerWriter(
  nowMs: () => number,
  keepAliveMs: number,
): (answer: PlainAnswer, isLast: boolean) => string {
  const keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${String(Math.floor(keepAliveMs / 1000))}`;
  let second = -1;
  /** The fields that Node adds, after an answer that is not the last and after the last. */
  let [kept, last] = ['', ''];
  return ({ status, type, body, bytes }, isLast) => {
    const now = Math.floor(nowMs() / 1000);
    if (now !== second) {
      second = now;
      const date = `Date: ${new Date(now * 1000).toUTCString()}\r\n`;
      kept = `${date}${keepAlive}\r\n\r\n`;
      last = `${date}Connection: close\r\n\r\n`;
    }
    const fields = isLast ? last : kept;
    if (status === 200 && type === ANSWER_TYPE) return `${ANSWER_START}${String(bytes)}\r\n${fields}${body}`;
    const again = status === 503 ? `retry-after: ${String(RETRY_AFTER_SECONDS)}\r\n` : '';
    return `${startOf(status, type)}${String(bytes)}\r\n${again}${fields}${body}`;
  };
}
