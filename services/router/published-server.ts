import { PUBLISHED_POSITION } from '../../shared/domain/published-model.ts';
import type { PublishedModel } from '../../shared/domain/published-model.ts';
import { messageOf } from '../../shared/errors.ts';
import { parityFault } from './domain/parity.ts';
import { restartPauseMs } from './domain/restarts.ts';
import type { PublishedScorer } from './ports.ts';
import { createVersionRuns, NOT_SCORED } from './version-runs.ts';
import type { AppliedSnapshot, VersionRunsDeps } from './version-runs.ts';
import type { VersionServer } from './version-server.ts';

/** What the server of a published version needs. */
export interface PublishedServerDeps extends Omit<VersionRunsDeps, 'current'> {
  readonly published: PublishedModel;
  /** When it was published, ms since the Unix epoch. */
  readonly publishedAtMs: number;
}

/** A process that has lived for so long is not said to have failed at once when it ends, ms. */
const LIVED_MS = 60_000;
/** Failures in a row from which the version is called broken and not only away for a moment. */
const BROKEN_AFTER = 3;

/**
 * Returns the server of a published version. The file is fetched by its digest, and loaded and run by a scorer that is apart from this
 * process: when that ends, its rows have failed, and another is started after a pause that grows. It serves once it has scored the
 * probe as the registry did.
 */
export function createPublishedServer(deps: PublishedServerDeps): VersionServer {
  const { model, version, ports, published } = deps;
  const snapshot: AppliedSnapshot = {
    incarnation: 0,
    position: PUBLISHED_POSITION,
    learnedToMs: null,
    publishedAtMs: deps.publishedAtMs,
  };
  let scorer: PublishedScorer | undefined;
  let fault: string | undefined = 'its file is being loaded';
  let failures = 0;
  let isOpening = false;
  let isWorking = false;
  let isClosed = false;
  let cancelRestart = (): void => undefined;
  const runs = createVersionRuns({
    ...deps,
    current: () => {
      const open = scorer;
      if (open === undefined) return undefined;
      return { loaded: { score: (rows) => open.score(rows.map((row) => row.values())) }, snapshot };
    },
  });

  function setFault(next: string | undefined): void {
    const hasChanged = fault !== next;
    fault = next;
    if (hasChanged) deps.onReadiness();
  }

  /** Says what is wrong and tries again after a pause. A file that could not be fetched is not to blame for it. */
  function failed(reason: string, isToBlame = true): void {
    if (isClosed) return;
    failures += 1;
    const pauseMs = restartPauseMs(failures);
    ports.log.error({ model, version, reason, pauseMs }, 'published file not served');
    setFault(`${isToBlame && failures >= BROKEN_AFTER ? 'unloadable' : 'restarting'}: ${reason}`);
    cancelRestart = ports.after(pauseMs, () => void open());
  }

  async function fetched(): Promise<Uint8Array> {
    const file = await ports.readArtefact(published.digest);
    if (file === undefined) throw new RangeError(`file ${published.digest} is not on artefacts.v1`);
    const digest = ports.sha256([file]);
    if (digest !== published.digest)
      throw new RangeError(`the file has digest ${digest}, published was ${published.digest}`);
    return file;
  }

  async function open(): Promise<void> {
    const spec = ports.specOf(model);
    if (isOpening || isClosed || spec === undefined || scorer !== undefined) return;
    isOpening = true;
    let opened: PublishedScorer | undefined;
    let file: Uint8Array | undefined;
    try {
      file = await fetched();
      opened = await ports.openPublished(file, published, spec);
      const { row, score } = published.probe;
      const mismatch = parityFault((await opened.score([row])).scores, [score]);
      if (mismatch !== undefined) throw new RangeError(mismatch);
      serve(opened);
    } catch (error) {
      opened?.close();
      failed(messageOf(error), file !== undefined);
    }
    isOpening = false;
  }

  function serve(opened: PublishedScorer): void {
    if (isClosed) {
      opened.close();
      return;
    }
    const beganMs = ports.monotonicMs();
    scorer = opened;
    setFault(undefined);
    ports.log.info({ model, version, digest: published.digest }, 'published file is served');
    void opened.ended.then((why) => {
      scorer = undefined;
      if (ports.monotonicMs() - beganMs > LIVED_MS) failures = 0;
      failed(why);
    });
  }

  async function work(): Promise<void> {
    while (!isClosed && runs.areWaiting()) {
      const running = runs.run();
      if (running !== undefined) await running;
    }
    isWorking = false;
    if (isClosed) runs.failAll();
  }

  function wakeRuns(): void {
    if (isWorking) return;
    isWorking = true;
    ports.defer(() => void work());
  }

  return {
    offer: () => undefined, // nothing is published of what never learns
    restore: () => undefined, // its file is on artefacts.v1, not on this router's disk
    capture: () => Promise.resolve(undefined),
    wake() {
      if (failures === 0) void open();
    },
    score(row, done) {
      if (fault !== undefined || isClosed) {
        done(NOT_SCORED);
        return;
      }
      runs.add(row, done);
      wakeRuns();
    },
    notReady: () => fault,
    leftAlone: runs.leftAlone,
    applied: () => (fault === undefined ? snapshot : undefined),
    close() {
      isClosed = true;
      fault = 'the version was forgotten';
      cancelRestart();
      scorer?.close();
      scorer = undefined;
      wakeRuns();
    },
  };
}
