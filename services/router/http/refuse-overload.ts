import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { problemDocument } from '../../../shared/http/problem.ts';
import { RETRY_AFTER_SECONDS } from './request-of.ts';

/**
 * For how long nothing is read from a connection whose request was refused, ms: who asks again at once is held up by that alone. Not
 * longer, because a pool of connections that are all held up makes its clients' requests wait until they are too late.
 */
const PAUSE_MS = 80;

/** An answer as it is written: one write of one string. */
interface Refusal {
  readonly headers: string[];
  readonly body: string;
}

function refusalOf(document: object): Refusal {
  const body = JSON.stringify(document);
  const headers = {
    'content-type': 'application/problem+json; charset=utf-8',
    'content-length': String(body.length),
    'retry-after': String(RETRY_AFTER_SECONDS),
  };
  return { headers: Object.entries(headers).flat(), body };
}

const DOCUMENT = problemDocument(503, 'the router has more requests under way than it can answer in time');
const REFUSAL = refusalOf(DOCUMENT);
const INFERENCE_REFUSAL = refusalOf({ ...DOCUMENT, error: DOCUMENT.detail });

/** Connections of requests that were refused in this turn of the event loop. */
let refused: Socket[] = [];

/** Stops reading from them once their answers are written, all together: a timer for each would cost as much as an answer. */
function pauseRefused(): void {
  const some = refused.filter((socket) => !socket.destroyed);
  refused = [];
  for (const socket of some) socket.pause();
  setTimeout(() => {
    for (const socket of some) socket.resume();
  }, PAUSE_MS).unref();
}

/**
 * Answers 503 with Retry-After and reads nothing from the connection for a while; what is left of the request's body is read and thrown
 * away after that. Costs hardly more than the write itself.
 */
export function refuseOverload({ url = '', socket }: IncomingMessage, response: ServerResponse): void {
  const { headers, body } = url.startsWith('/v2/') ? INFERENCE_REFUSAL : REFUSAL;
  response.writeHead(503, headers);
  response.end(body, 'latin1');
  if (refused.length === 0) setImmediate(pauseRefused);
  refused.push(socket);
}
