import { KEEP_ALIVE_MS } from '../../../shared/http/app.ts';
import type { ConnectionShortcut, Shortcut } from '../../../shared/http/app.ts';
import type { Log } from '../../../shared/observability/log.ts';
import type { Router } from '../service.ts';
import type { Turns } from '../turns.ts';
import { awaitTurn } from './await-turn.ts';
import { createPlainConnections } from './plain-connections.ts';
import { createPlainRoutes } from './plain-routes.ts';
import { createPredictShortcut } from './predict-shortcut.ts';
import { shedOverload } from './shed-overload.ts';
import type { Gate } from './shed-overload.ts';

/** What stands before the routes. */
export interface ShortcutsDeps {
  readonly gate: Gate;
  /** Bounds the bytes of Open Inference Protocol bodies that are parsed and worked on at a time. */
  readonly bodyTurns: Turns;
  /** Returns the router; undefined while it waits for something. */
  readonly router: () => Router | undefined;
  readonly limits: { readonly PREDICT_BODY_BYTES: number; readonly INFER_BODY_BYTES: number };
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly log: Log;
}

/**
 * Returns what every connection and every request meets first: is it a plain one that is answered from its bytes, is it let in, has
 * its turn come?
 */
export function createShortcuts(deps: ShortcutsDeps): {
  readonly connections: ConnectionShortcut;
  readonly shortcut: Shortcut;
} {
  const { gate, bodyTurns, router, nowMs, monotonicMs } = deps;
  const { PREDICT_BODY_BYTES, INFER_BODY_BYTES } = deps.limits;
  const plain = createPredictShortcut({ router, bodyLimitBytes: PREDICT_BODY_BYTES, monotonicMs });
  const inTurn = awaitTurn({ turns: bodyTurns, bodyBytesMax: INFER_BODY_BYTES, monotonicMs }, plain);
  return {
    connections: createPlainConnections({
      gate,
      router,
      routes: createPlainRoutes(deps),
      keepAliveMs: KEEP_ALIVE_MS,
      nowMs,
      monotonicMs,
    }),
    shortcut: shedOverload(gate, Math.max(PREDICT_BODY_BYTES, INFER_BODY_BYTES), inTurn),
  };
}
