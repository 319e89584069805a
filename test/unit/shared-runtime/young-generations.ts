/*
 * A program that prints the most that the young generations have taken of a thread with a limit of 6 MB, and of the one that starts it,
 * bytes. With an argument it lets limits of threads count first.
 */
import { getHeapSpaceStatistics } from 'node:v8';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { letThreadLimitsCount } from '../../../shared/runtime/thread-heaps.ts';

const MOST_BYTES = 64 * 1024 * 1024;

/** Makes garbage, because a heap that was not used has no young generation. */
function most(): number {
  const sizes = Array.from({ length: 64 }, () => {
    const garbage = Array.from({ length: MOST_BYTES / 64 / 64 }, (_, i) => ({ i }));
    return garbage.length === 0 ? [] : getHeapSpaceStatistics();
  }).flat();
  return Math.max(
    ...sizes.filter(({ space_name: name }) => name === 'new_space').map((one) => one.space_size),
  );
}

if (isMainThread) {
  if (process.argv.length > 2) letThreadLimitsCount();
  const main = most();
  new Worker(new URL(import.meta.url), { resourceLimits: { maxYoungGenerationSizeMb: 6 } }).once(
    'message',
    (thread: number) => {
      process.stdout.write(JSON.stringify({ thread, main }));
    },
  );
} else parentPort?.postMessage(most());
