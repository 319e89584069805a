import { createRequire } from 'node:module';

/** What the fix touches of kafkajs's internal request queue. */
interface RequestQueueInternals {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  readonly throttleCheckTimeoutId: unknown;
}
type Schedule = (this: RequestQueueInternals) => void;

let isInstalled = false;

/**
 * Makes kafkajs 2.2.4 schedule its request-queue check only when there is something to check. Unpatched, an idle
 * connection computes a negative delay, which Node turns into a 1 ms timer (and, from Node 24, a warning).
 * Idempotent; called once by the client factory before any connection exists.
 */
export function installRequestQueueTimerFix(): void {
  if (isInstalled) return;
  isInstalled = true;
  const require = createRequire(import.meta.url);
  const RequestQueue = require('kafkajs/src/network/requestQueue') as {
    prototype: { scheduleCheckPendingRequests: Schedule };
  };
  const original = RequestQueue.prototype.scheduleCheckPendingRequests;
  RequestQueue.prototype.scheduleCheckPendingRequests = function patched(this: RequestQueueInternals): void {
    const isThrottled = this.throttledUntil > Date.now();
    if (this.pending.length === 0 && !isThrottled) return;
    original.call(this);
  };
}
