import type { Socket } from 'node:net';

/** How one direction of a link behaves. Whoever changes it wakes the pipes. */
export interface LinkConditions {
  latencyMs: number;
  isBlackHole: boolean;
  slicing: { readonly bytes: number; readonly everyMs: number } | undefined;
}

/** One direction of one connection. */
export interface Pipe {
  /** Looks again whether something may pass. */
  wake(): void;
}

/** Told what passes and what waits. */
export interface PipeCounts {
  readonly held: () => void;
  readonly passed: (bytes: number) => void;
}

/** What has come in and not gone out: bytes, or how the sender ended. */
type Waiting =
  | { readonly kind: 'bytes'; bytes: Buffer; readonly arrivedMs: number }
  | { readonly kind: 'end' | 'reset'; readonly arrivedMs: number };

/** Bytes that a silent link takes before its sender is held back, as socket buffers would. */
const BUFFERED_MAX = 1024 * 1024;

/**
 * Carries what one socket sends to another under the conditions given, in order. The sender's end, orderly or not, takes
 * its turn behind its last bytes: the other side of a black hole does not hear of it before they have passed.
 */
export function createPipe(from: Socket, to: Socket, conditions: LinkConditions, counts: PipeCounts): Pipe {
  const queue: Waiting[] = [];
  let buffered = 0;
  let timer: NodeJS.Timeout | undefined;
  let isBlocked = false;

  function sleep(ms: number): void {
    timer = setTimeout(() => {
      timer = undefined;
      flow();
    }, ms);
  }

  function pass(waiting: Waiting & { kind: 'bytes' }): void {
    const { slicing } = conditions;
    const length = Math.min(slicing?.bytes ?? Infinity, waiting.bytes.length);
    const slice = waiting.bytes.subarray(0, length);
    waiting.bytes = waiting.bytes.subarray(length);
    if (waiting.bytes.length === 0) queue.shift();
    buffered -= length;
    counts.passed(length);
    isBlocked = !to.write(slice);
    if (buffered < BUFFERED_MAX) from.resume();
    if (slicing !== undefined && queue.length > 0) sleep(slicing.everyMs);
  }

  function flow(): void {
    while (timer === undefined && !isBlocked && !conditions.isBlackHole) {
      const [first] = queue;
      if (first === undefined || to.destroyed) return;
      const dueMs = first.arrivedMs + conditions.latencyMs - performance.now();
      if (dueMs > 0) {
        sleep(dueMs);
        return;
      }
      if (first.kind === 'bytes') {
        pass(first);
        continue;
      }
      queue.shift();
      if (first.kind === 'end') to.end();
      else to.resetAndDestroy();
    }
  }

  function take(waiting: Waiting): void {
    queue.push(waiting);
    flow();
    if (queue.length > 0) counts.held();
  }

  from.on('data', (bytes: Buffer) => {
    buffered += bytes.length;
    if (buffered > BUFFERED_MAX) from.pause();
    take({ kind: 'bytes', bytes, arrivedMs: performance.now() });
  });
  from.on('end', () => {
    take({ kind: 'end', arrivedMs: performance.now() });
  });
  from.on('error', () => {
    take({ kind: 'reset', arrivedMs: performance.now() });
  });
  to.on('drain', () => {
    isBlocked = false;
    flow();
  });
  to.on('close', () => {
    clearTimeout(timer);
    from.resume(); // so that its own end is noticed
  });
  return {
    wake() {
      clearTimeout(timer);
      timer = undefined;
      flow();
    },
  };
}
