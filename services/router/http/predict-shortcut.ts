import type { IncomingMessage } from 'node:http';
import type { Shortcut } from '../../../shared/http/app.ts';
import type { Router } from '../service.ts';
import { traceparentOf } from '../../../shared/domain/traceparent.ts';
import { VERSION_HEADER } from '../domain/wanted.ts';
import { plainAnswer, sendPlain } from './plain-answer.ts';
import { JSON_TYPES } from './plain-head.ts';

/** What the shortcut needs. */
export interface PredictShortcutDeps {
  /** Returns the router; undefined while it waits for something. */
  readonly router: () => Router | undefined;
  /** Largest body, bytes. */
  readonly bodyLimitBytes: number;
  readonly monotonicMs: () => number;
}

const PREFIX = '/v1/models/';
const SUFFIX = '/predict';

/** Returns the model of a path `/v1/models/{model}/predict`; undefined for any other path or query. */
function modelOf(url: string): string | undefined {
  if (!url.startsWith(PREFIX) || !url.endsWith(SUFFIX)) return undefined;
  const model = url.slice(PREFIX.length, -SUFFIX.length);
  return /^[a-z0-9-]+$/.test(model) ? model : undefined;
}

/** Returns the length of a body that can be taken as it is; undefined when there is anything else to a request. */
function plainLength({ method, headers }: IncomingMessage): number | undefined {
  if (method !== 'POST' || headers['content-encoding'] !== undefined) return undefined;
  if (headers[VERSION_HEADER] !== undefined || headers.host === undefined) return undefined;
  if (!JSON_TYPES.has(headers['content-type'] ?? '')) return undefined;
  const length = Number(headers['content-length'] ?? '0');
  return length > 0 ? length : undefined;
}

/**
 * Returns what answers plain prediction requests (`POST /v1/models/{model}/predict` with a body of known length) straight from
 * their bytes. Everything else, and everything that is wrong in any way, is left to the route of that path.
 */
export function createPredictShortcut(deps: PredictShortcutDeps): Shortcut {
  return (request, response, otherwise) => {
    const model = modelOf(request.url ?? '');
    if (model === undefined) return false;
    const length = plainLength(request);
    if (length === undefined || length > deps.bodyLimitBytes) return false;
    const router = deps.router();
    if (router === undefined) return false;
    const arrivedMs = deps.monotonicMs();
    let body: Buffer | undefined;
    request.on('data', (chunk: Buffer) => {
      body = body === undefined ? chunk : Buffer.concat([body, chunk]);
    });
    request.on('end', () => {
      if (body === undefined) return;
      const traceparent = traceparentOf(request.headers['traceparent']);
      const asked = { model, bytes: body, from: 0, to: body.length, arrivedMs, traceparent };
      const isTaken = router.predictPlain(asked, (result) => {
        sendPlain(response, plainAnswer(result));
      });
      if (!isTaken) otherwise(body);
    });
    return true;
  };
}
