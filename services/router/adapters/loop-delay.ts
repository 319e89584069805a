const LOOK_MS = 50;

/**
 * Calls 20 times a second with how long the event loop was held up since the call before, ms: by how much the call is late.
 * Node's own histogram of delays samples by a timer as well, and loses what its reset comes between.
 */
export function watchLoopDelay(monotonicMs: () => number, onDelay: (delayMs: number) => void): void {
  let dueMs = monotonicMs() + LOOK_MS;
  setInterval(() => {
    const nowMs = monotonicMs();
    onDelay(Math.max(0, nowMs - dueMs));
    dueMs = nowMs + LOOK_MS;
  }, LOOK_MS).unref();
}
