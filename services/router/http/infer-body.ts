import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { parse } from 'secure-json-parse';
import { HttpProblem } from '../../../shared/http/problem.ts';
import { BINARY_HEADER, wantsBinary } from '../domain/infer-parameters.ts';
import { encodeTensor } from '../domain/tensor-bytes.ts';
import type { InferAnswer } from '../service.ts';

const MEDIA_TYPES = ['application/json', 'application/octet-stream'];

/** The body of an Open Inference Protocol request. */
export interface InferRequestBody {
  readonly body: unknown;
  readonly binary: Uint8Array;
}

/** Returns the number of bytes of the JSON, or throws HttpProblem 400. */
function jsonLength(header: string | string[] | undefined, bytes: number): number {
  if (header === undefined) return bytes;
  const given = typeof header === 'string' && /^\d{1,10}$/.test(header) ? Number(header) : NaN;
  if (given >= 1 && given <= bytes) return given;
  throw new HttpProblem(
    400,
    `header ${BINARY_HEADER}: ${JSON.stringify(header).slice(0, 40)}, allowed 1 … ${String(bytes)}, the length of the body`,
  );
}

/** Returns what the bytes of JSON say; throws HttpProblem 400 when they are none, or would give an object a prototype. */
export function parseInferJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new HttpProblem(400, 'the JSON is not valid UTF-8');
  try {
    return parse(bytes.toString('utf8'), { protoAction: 'error', constructorAction: 'error' });
  } catch {
    throw new HttpProblem(400, 'the body is not valid JSON, or has a prototype');
  }
}

/**
 * Makes the routes of this app take bodies of the protocol: JSON, and tensors after it where the header says so. A body
 * without a media type is taken, because the protocol asks for none and clients send none.
 */
export function takeInferBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (request, body, done) => {
    const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
    if (type !== undefined && !MEDIA_TYPES.includes(type)) {
      done(new HttpProblem(415, `media type ${type}, allowed ${MEDIA_TYPES.join(', ')}`), undefined);
      return;
    }
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') {
      done(new HttpProblem(415, `content-encoding ${encoding}, allowed identity`), undefined);
      return;
    }
    try {
      const length = jsonLength(request.headers[BINARY_HEADER], body.length);
      const json = parseInferJson(body.subarray(0, length));
      done(null, { body: json, binary: body.subarray(length) } satisfies InferRequestBody);
    } catch (error) {
      done(error as Error, undefined);
    }
  });
}

/** Sends an answer: as JSON, with those outputs after it as binary data that the request wants so. */
export function sendInferAnswer(reply: FastifyReply, answer: InferAnswer, asked: unknown): FastifyReply {
  const tensors: Uint8Array[] = [];
  const outputs = answer.outputs.map((output) => {
    const { name, datatype, shape, data } = output;
    if (!wantsBinary(asked, name)) return output;
    const bytes = encodeTensor(datatype, data);
    tensors.push(bytes);
    return { name, datatype, shape, parameters: { binary_data_size: bytes.length } };
  });
  if (tensors.length === 0)
    return reply.serializer(JSON.stringify).type('application/json; charset=utf-8').send(answer);
  const json = Buffer.from(JSON.stringify({ ...answer, outputs }));
  return reply
    .header(BINARY_HEADER, String(json.length))
    .type('application/octet-stream')
    .send(Buffer.concat([json, ...tensors]));
}
