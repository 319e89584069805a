import type { IncomingMessage } from 'node:http';
import type { Shortcut } from '../../../shared/http/app.ts';
import { refuseOverload } from './refuse-overload.ts';

/** What decides who is let in. */
export interface Gate {
  enter(bytes: number): boolean;
  readonly leave: (bytes: number) => void;
  /** Whether the router is going: what still comes is answered, and its connection closed. */
  readonly isClosing: () => boolean;
}

/** What a body counts as whose length is not said: it is sent in pieces, or in bulk, line by line. */
const UNSAID_BYTES = 65_536;
const PREDICTION_PATH = /^\/v[12]\/models\//;

/** Returns what the body of a request may take, bytes: what it says, but not more than is ever taken. */
function bodyBytes({ headers }: IncomingMessage, bytesMax: number): number {
  const bytes = Number(headers['content-length'] ?? UNSAID_BYTES);
  return bytes >= 0 ? Math.min(bytes, bytesMax) : 0;
}

/**
 * Returns a shortcut that answers 503 with Retry-After to requests for predictions which are not let in, before their bodies are
 * read, and leaves everything else to the next one. Health and metrics are never shed. A connection that was refused is not read
 * from for a while: refusing can never take the time that answering needs.
 *
 * @param bodyBytesMax largest body that is taken
 */
export function shedOverload(gate: Gate, bodyBytesMax: number, next: Shortcut): Shortcut {
  return (request, response, otherwise) => {
    if (gate.isClosing()) response.shouldKeepAlive = false;
    if (request.method !== 'POST' || !PREDICTION_PATH.test(request.url ?? ''))
      return next(request, response, otherwise);
    const bytes = bodyBytes(request, bodyBytesMax);
    if (!gate.enter(bytes)) {
      refuseOverload(request, response);
      return true;
    }
    response.on('close', () => {
      gate.leave(bytes);
    });
    return next(request, response, otherwise);
  };
}
