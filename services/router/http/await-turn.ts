import type { IncomingMessage } from 'node:http';
import type { Shortcut } from '../../../shared/http/app.ts';
import type { Turns } from '../turns.ts';
import { noteArrival } from './request-of.ts';
import { refuseOverload } from './refuse-overload.ts';

/** What it needs. */
export interface AwaitTurnDeps {
  /** Bounds the bytes of bodies that are parsed and worked on at a time. */
  readonly turns: Turns;
  /** Largest body that waits, bytes; larger ones are left to their route, which refuses them. */
  readonly bodyBytesMax: number;
  readonly monotonicMs: () => number;
}

const INFERENCE_PATH = /^\/v2\/models\//;

/** Returns the length of a body that can be read here; undefined when there is none, or its length is not said. */
function lengthOf({ method, url = '', headers }: IncomingMessage, bytesMax: number): number | undefined {
  if (method !== 'POST' || !INFERENCE_PATH.test(url)) return undefined;
  if (headers['transfer-encoding'] !== undefined || headers.expect !== undefined) return undefined;
  const length = Number(headers['content-length'] ?? 0);
  return length > 0 && length <= bytesMax ? length : undefined;
}

/**
 * Returns a shortcut with which requests of the Open Inference Protocol wait for their turn as bytes: what is parsed takes ten times the
 * memory, and is work for nobody when its turn comes too late. Such a request is told 503. Its turn is asked for when all
 * of it has come, so that nobody who sends slowly holds up others.
 */
export function awaitTurn({ turns, bodyBytesMax, monotonicMs }: AwaitTurnDeps, next: Shortcut): Shortcut {
  return (request, response, otherwise) => {
    const length = lengthOf(request, bodyBytesMax);
    if (length === undefined) return next(request, response, otherwise);
    noteArrival(request, monotonicMs());
    const body = Buffer.allocUnsafeSlow(length); // in however many pieces it comes
    let come = 0;

    function begin(mayBegin: boolean): void {
      if (!mayBegin) {
        refuseOverload(request, response);
        return;
      }
      if (response.destroyed) {
        turns.leave(body.length);
        return;
      }
      response.on('close', () => {
        turns.leave(body.length);
      });
      otherwise(body);
    }

    request.on('data', (piece: Buffer) => {
      come += piece.copy(body, come);
    });
    request.on('end', () => {
      const waiting = turns.enter(length);
      if (waiting === undefined) begin(true);
      else void waiting.then(begin);
    });
    return true;
  };
}
