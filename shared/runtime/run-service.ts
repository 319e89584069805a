import closeWithGrace from 'close-with-grace';
import { messageOf } from '../errors.ts';
import type { Log } from '../observability/log.ts';

/** One thing a service starts and, in reverse order, stops. */
export interface Part {
  readonly name: string;
  readonly start: () => Promise<unknown>;
  readonly stop: () => Promise<unknown>;
}

/** How a service is run. */
export interface RunOptions {
  readonly log: Log;
  readonly stopTimeoutMs: number;
  /** Started in this order; a part may take as long as what it waits for is away. */
  readonly parts: readonly Part[];
}

/**
 * Starts the parts in order and arranges that SIGTERM, SIGINT or an uncaught failure stops what was started, in
 * reverse, within the limit. An uncaught failure ends the process with exit code 1: positions make that safe.
 */
export async function runService({ log, stopTimeoutMs, parts }: RunOptions): Promise<void> {
  const started: Part[] = [];
  const stopping = new AbortController();
  closeWithGrace({ delay: stopTimeoutMs, logger: false }, async ({ signal, err }) => {
    stopping.abort();
    if (err !== undefined) log.error({ err }, 'ending after a failure');
    else log.info({ signal }, 'stopping');
    for (const part of [...started].reverse()) {
      try {
        await part.stop();
      } catch (error) {
        log.warn({ part: part.name, reason: messageOf(error) }, 'part did not stop cleanly');
      }
    }
    log.info({}, 'stopped');
  });
  for (const part of parts) {
    if (stopping.signal.aborted) return;
    started.push(part);
    await part.start();
    log.info({ part: part.name }, 'started');
  }
}

/** What has to be undone when a part stops, in the order in which it was done. */
export interface Stops {
  /** Aborted as soon as stopping begins: ends waiting. */
  readonly signal: AbortSignal;
  add(undo: () => unknown): void;
  /** Undoes everything in reverse; a failure does not keep the others from being undone, the first is thrown. */
  stopAll(): Promise<void>;
}

/** Returns an empty list of things to undo. */
export function createStops(): Stops {
  const controller = new AbortController();
  const undos: (() => unknown)[] = [];
  return {
    signal: controller.signal,
    add: (undo) => {
      undos.push(undo);
    },
    async stopAll() {
      controller.abort();
      const failures: unknown[] = [];
      for (const undo of undos.splice(0).reverse()) {
        try {
          await undo();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0)
        throw failures[0] instanceof Error ? failures[0] : new Error(messageOf(failures[0]));
    },
  };
}

/** Ends the process after a failure nothing can be done about here; the supervisor starts it again. */
export function dieWith(log: Log): (error: unknown) => void {
  return (error) => {
    log.error({ err: error }, 'cannot go on');
    setImmediate(() => {
      throw error instanceof Error ? error : new Error(messageOf(error));
    });
  };
}

/** Returns how to let work go on in the background: what it fails with ends the process, unless that is ending anyway. */
export function inBackground(log: Log, stopping: AbortSignal): (work: Promise<void>) => void {
  return (work) => {
    work.catch((error: unknown) => {
      if (!stopping.aborted) dieWith(log)(error);
    });
  };
}
