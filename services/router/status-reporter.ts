import type { RouterStatus } from '../../shared/domain/events.ts';
import { messageOf } from '../../shared/errors.ts';
import type { Log, OutRecord } from './ports.ts';

/** What telling about this router needs. */
export interface StatusReporterDeps {
  readonly router: string;
  /** Where it listens. */
  readonly url: string;
  readonly models: () => RouterStatus['models'];
  readonly nowMs: () => number;
  readonly send: (records: readonly OutRecord[]) => Promise<unknown>;
  readonly log: Log;
}

/** Tells router-status.v1 what this router has. */
export interface StatusReporter {
  /** Sends the status as it is now; while one is under way, once more after it. A failure is left to the next report. */
  report(): void;
  /** Sends a tombstone: this router is gone. */
  leave(): Promise<void>;
}

/** Returns the reporter; who calls `report` decides how often. */
export function createStatusReporter(deps: StatusReporterDeps): StatusReporter {
  const { router } = deps;
  let sending: Promise<void> | undefined;
  let isAskedAgain = false;
  let hasLeft = false;

  async function sendNow(): Promise<void> {
    do {
      isAskedAgain = false;
      const value: RouterStatus = { router, atMs: deps.nowMs(), url: deps.url, models: deps.models() };
      try {
        await deps.send([{ topic: 'router-status.v1', key: router, partition: 0, value }]);
      } catch (error) {
        deps.log.debug({ reason: messageOf(error) }, 'status not sent');
      }
    } while (isAskedAgain as boolean);
    sending = undefined;
  }

  return {
    report() {
      isAskedAgain = true;
      if (!hasLeft) sending ??= sendNow();
    },
    async leave() {
      hasLeft = true;
      isAskedAgain = false;
      await sending;
      try {
        await deps.send([{ topic: 'router-status.v1', key: router, partition: 0, value: null }]);
      } catch (error) {
        deps.log.debug({ reason: messageOf(error) }, 'leaving not told'); // the status ends its lifetime by itself
      }
    },
  };
}
