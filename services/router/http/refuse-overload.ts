import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { problemDocument, withError } from '../../../shared/http/problem.ts';
import { problemAnswer, sendPlain } from './plain-answer.ts';
import type { PlainAnswer } from './plain-answer.ts';

/**
 * For how long nothing is read from a connection whose request was refused, ms: who asks again at once is held up by that alone. Not
 * longer, because a pool of connections that are all held up makes its clients' requests wait until they are too late.
 */
const PAUSE_MS = 80;

const DOCUMENT = problemDocument(503, 'the router has more requests under way than it can answer in time');
/** What who is refused is told. */
export const OVERLOAD: PlainAnswer = problemAnswer(DOCUMENT);
/** The same in words of the Open Inference Protocol. */
export const INFERENCE_OVERLOAD: PlainAnswer = problemAnswer(withError(DOCUMENT));

/** Connections of requests that were refused in this turn of the event loop. */
let refused: Socket[] = [];

/** Stops reading from them once their answers are written, all together: a timer for each would cost as much as an answer. */
function pauseAll(): void {
  const some = refused.filter((socket) => !socket.destroyed);
  refused = [];
  for (const socket of some) socket.pause();
  setTimeout(() => {
    for (const socket of some) socket.resume();
  }, PAUSE_MS).unref();
}

/** Makes that nothing is read from a connection for a while, from when its answers of this turn are written. */
export function pauseRefused(socket: Socket): void {
  if (refused.length === 0) setImmediate(pauseAll);
  refused.push(socket);
}

/**
 * Answers 503 with Retry-After and reads nothing from the connection for a while; what is left of the request's body is read and thrown
 * away after that. Costs hardly more than the write itself.
 */
export function refuseOverload({ url = '', socket }: IncomingMessage, response: ServerResponse): void {
  sendPlain(response, url.startsWith('/v2/') ? INFERENCE_OVERLOAD : OVERLOAD);
  pauseRefused(socket);
}
