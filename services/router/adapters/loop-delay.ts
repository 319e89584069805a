import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 10;
const LOOK_MS = 50;
const NANOS_PER_MS = 1e6;

/** Calls with the longest that the event loop was held up since the call before, ms, 20 times a second where it can. */
export function watchLoopDelay(onDelay: (longestMs: number) => void): void {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  setInterval(() => {
    const longestMs = delays.count === 0 ? 0 : delays.max / NANOS_PER_MS - RESOLUTION_MS;
    delays.reset();
    onDelay(Math.max(0, longestMs));
  }, LOOK_MS).unref();
}
