import { Readable } from 'node:stream';
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { messageOf } from '../../../shared/errors.ts';
import { HttpProblem, ownMistake, problemDocument } from '../../../shared/http/problem.ts';
import type { Log } from '../../../shared/observability/log.ts';
import type { Router } from '../service.ts';
import { inOrder } from './in-order.ts';
import { linesOf } from '../../../shared/http/ndjson-lines.ts';
import type { Line } from '../../../shared/http/ndjson-lines.ts';
import { problemOf, requestOf } from './request-of.ts';

const MEDIA_TYPES = ['application/x-ndjson', 'application/ndjson'];
/** Bytes of answers that wait for a client that reads slowly, about. */
const WAITING_BYTES = 65_536;

/** What scoring in bulk needs. */
export interface BulkDeps {
  readonly log: Log;
  readonly monotonicMs: () => number;
  readonly lineBytesMax: number;
  /** Most lines of one request that are under way at a time. */
  readonly linesAtOnce: number;
}

/** Answers a bulk request: a prediction asked for in each line, one line of answer for each, in order. */
export type AnswerBulk = (router: Router, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/** Returns whether a request is one in bulk. */
export function isBulk(request: FastifyRequest): boolean {
  return request.body instanceof Readable;
}

function problemLine(line: Line, { status, message, faults }: HttpProblem): string {
  return `${JSON.stringify({ line: line.number, ...problemDocument(status, message, faults) })}\n`;
}

function parse({ bytes, length }: Line, lineBytesMax: number): unknown {
  if (bytes === undefined)
    throw new HttpProblem(413, `the line has ${String(length)} bytes, allowed ${String(lineBytesMax)}`);
  if (!isUtf8(bytes)) throw new HttpProblem(400, 'the line is not valid UTF-8');
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new HttpProblem(400, 'the line is not valid JSON');
  }
}

/**
 * Makes the app take NDJSON bodies as streams and returns how they are answered. A line that cannot be answered gives a
 * problem document with its number, and the others go on. Lines are read no faster than answers are taken, so that a
 * request holds at most `linesAtOnce` of them; a client that has gone ends the reading.
 */
export function takeBulk(app: FastifyInstance, deps: BulkDeps): AnswerBulk {
  app.addContentTypeParser(MEDIA_TYPES, (_request, payload, done) => {
    done(null, payload);
  });

  return (router, request, reply) => {
    const { model } = request.params as { model: string };
    if (router.model(model) === undefined) throw new HttpProblem(404, `model ${model} does not exist`);
    const { traceparent, wanted } = requestOf(request, model);
    const answer = async (line: Line): Promise<string> => {
      const arrivedMs = deps.monotonicMs();
      try {
        const body = parse(line, deps.lineBytesMax);
        const result = await router.predict({ model, body, wanted, arrivedMs, traceparent });
        if (result.kind !== 'answered') return problemLine(line, problemOf(result));
        return `${JSON.stringify(result.answer)}\n`;
      } catch (error) {
        if (error instanceof HttpProblem) return problemLine(line, error);
        deps.log.error({ reason: messageOf(error), err: error }, 'line failed');
        return problemLine(line, ownMistake());
      }
    };
    const lines = linesOf(request.body as AsyncIterable<Buffer>, deps.lineBytesMax);
    const answers = Readable.from(inOrder(lines, answer, deps.linesAtOnce), {
      objectMode: false,
      highWaterMark: WAITING_BYTES,
    });
    return reply.type('application/x-ndjson').send(answers);
  };
}
