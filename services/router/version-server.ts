import type { SnapshotKind } from '../../shared/domain/snapshot-kind.ts';
import { messageOf } from '../../shared/errors.ts';
import type { CompleteSnapshot } from './domain/complete-snapshot.ts';
import { parityFault } from './domain/parity.ts';
import { PATCHED_IN_PLACE_MAX, patchedCopy } from './domain/parameters.ts';
import type { SnapshotUpdate } from './domain/snapshot-news.ts';
import { inputsOf, LoadedVersion } from './loaded-version.ts';
import type { RowInput } from './loaded-version.ts';
import type { SnapshotResult } from './ports.ts';
import { createVersionRuns, NOT_SCORED } from './version-runs.ts';
import type { AppliedSnapshot, RowScore, VersionRunsDeps } from './version-runs.ts';

/** One version on this router: its parameters kept up to date, its rows scored. */
export interface VersionServer {
  /** Takes the next update of the version's parameters. There is none until this one is settled. */
  offer(update: SnapshotUpdate): void;
  /** Takes a full snapshot that was kept on disk, unless there is one already. What comes from the topic replaces it. */
  restore(snapshot: CompleteSnapshot): void;
  /**
   * Calls with the parameters as they are served, as a full snapshot, once their golden rows have scored as they should, and
   * resolves with what the call returns at its end: requests are answered each time that it yields, and nothing is applied until then.
   * Its arrays change afterwards. Resolves with undefined when nothing verified is there.
   */
  capture<T>(take: (snapshot: CompleteSnapshot) => Generator<undefined, T>): Promise<T | undefined>;
  /** Looks again whether something can be done: the model's spec may be known now. */
  wake(): void;
  /**
   * Calls back with the score of a row, once and in any case; rows asked for in one turn of the event loop are scored in one
   * run. A version other than stable whose run is over its time budget fails the rows it has and those that come meanwhile.
   */
  score(row: RowInput, done: (score: RowScore) => void): void;
  /** Returns why the version cannot be served; undefined when it can. */
  readonly notReady: () => string | undefined;
  /** Returns why the version is not scored although it could be; undefined when it is. */
  readonly leftAlone: () => string | undefined;
  readonly applied: () => AppliedSnapshot | undefined;
  /** Answers what waits, refuses what comes, and frees the graph. */
  close(): void;
}

/** What one version's server needs. `onReadiness` is called when it becomes ready or stops being it, too. */
export interface VersionServerDeps extends Omit<VersionRunsDeps, 'current'> {
  /** Every how many applied snapshots the golden rows are scored again. */
  readonly parityEvery: number;
  /**
   * Called once for each update, when it is applied or found to be bad, and when one that was applied is found to be bad later.
   *
   * @param spare weights that are not used any more
   */
  readonly onSettled: (id: number, isGood: boolean, spare?: ArrayBuffer) => void;
}

/** Of what comes from the disk: lower than that of any update. */
const RESTORED_ID = 0;

/**
 * Returns the server of one version. One loop does everything that touches its parameters, one thing after the other:
 * applies what is pending, verifies, runs a batch. So nothing is patched while a run is under way, and the snapshot that a
 * row is said to be scored by is the one that scored it.
 */
export function createVersionServer(deps: VersionServerDeps): VersionServer {
  const { model, version, ports } = deps;
  let pending: SnapshotUpdate | undefined;
  /** The weights with the pending update in them, where it is too large to be put in place. */
  let prepared: Float32Array<ArrayBuffer> | undefined;
  let isPreparing = false;
  /** Whether something bad was found: patches on it are, too, so a newer full snapshot must come. */
  let needsFull = false;
  let lastId = 0;
  let loaded: LoadedVersion | undefined;
  let applied: AppliedSnapshot | undefined;
  let appliedCount = 0;
  let fault: string | undefined = 'no snapshot yet';
  let isWorking = false;
  let isClosed = false;
  /** The rows that the applied snapshot brought to be verified by. */
  let golden: Pick<CompleteSnapshot, 'goldenRows' | 'goldenScores' | 'tableBits'> | undefined;
  /** Trace of an event that is learned by now and was not answered from. */
  let liveTrace: string | undefined;
  let captures: ((snapshot: CompleteSnapshot | undefined) => Promise<void>)[] = [];
  /** Whether the parameters are being captured. */
  let isCaptured = false;
  const runs = createVersionRuns({
    ...deps,
    current: () =>
      fault !== undefined || loaded === undefined || applied === undefined
        ? undefined
        : { loaded, snapshot: applied },
  });

  function setFault(next: string | undefined): void {
    const hasChanged = (fault === undefined) !== (next === undefined);
    fault = next;
    if (hasChanged) deps.onReadiness();
  }

  function reject(result: SnapshotResult, kind: SnapshotKind, reason: string): void {
    ports.observe.snapshot(model, kind, result);
    ports.log.error({ model, version, result, reason }, 'snapshot not served');
    needsFull = true;
    deps.onSettled(lastId, false);
    setFault(`${result}: ${reason}`);
  }

  /** Returns whether the graph is another one. */
  async function loadFull(full: CompleteSnapshot): Promise<{ isNewGraph: boolean; spare?: ArrayBuffer }> {
    const spec = ports.specOf(model);
    if (spec === undefined) throw new RangeError('the model is not known');
    const isSameGraph = loaded !== undefined && full.graph !== null && hasSameBytes(loaded.graph, full.graph);
    if (loaded !== undefined && isSameGraph) return { isNewGraph: false, spare: loaded.replace(full).buffer };
    const before = loaded;
    loaded = await LoadedVersion.open(spec, full, ports.openScorer);
    await before?.close();
    return { isNewGraph: true };
  }

  /** Returns the weights that are not used any more. */
  function patch(delta: SnapshotUpdate): ArrayBuffer | undefined {
    if (loaded === undefined) throw new RangeError('there is no full snapshot');
    const weights = prepared;
    prepared = undefined;
    if (weights !== undefined) return loaded.replace({ ...delta, weights }).buffer;
    loaded.patch(delta);
    return undefined;
  }

  async function parityMismatch({
    goldenRows,
    goldenScores,
  }: Pick<CompleteSnapshot, 'goldenRows' | 'goldenScores'>): Promise<string | undefined> {
    const scored = goldenRows.length === 0 ? undefined : await loaded?.score(inputsOf(goldenRows));
    return parityFault(scored?.scores ?? [], goldenScores);
  }

  /** Gives those who asked what is served, verified now. */
  async function giveCaptures(): Promise<void> {
    const takers = captures;
    captures = [];
    let snapshot: CompleteSnapshot | undefined;
    if (fault === undefined && loaded !== undefined && applied !== undefined && golden !== undefined) {
      const mismatch = await parityMismatch(golden).catch(messageOf);
      if (mismatch === undefined)
        snapshot = { ...golden, ...applied, ...loaded.parameters, graph: loaded.graph, indices: null };
      else reject('parity-mismatch', 'full', mismatch);
    }
    isCaptured = true;
    void Promise.all(takers.map((take) => take(snapshot))).then(() => {
      isCaptured = false;
      wake();
    });
  }

  async function applyPending(update: SnapshotUpdate): Promise<void> {
    const { kind, incarnation, position, learnedToMs, publishedAtMs, goldenRows, goldenScores } = update;
    const isEverything = update.indices === null;
    pending = undefined;
    if (!isEverything && needsFull) {
      prepared = undefined;
      deps.onSettled(update.id, false);
      return;
    }
    lastId = update.id;
    let spare: ArrayBuffer | undefined;
    try {
      let isNewGraph = false;
      if (isEverything) {
        needsFull = false;
        ({ isNewGraph, spare } = await loadFull(update));
      } else spare = patch(update);
      const isOther = isNewGraph || applied?.incarnation !== incarnation;
      if (fault !== undefined || isOther || appliedCount % deps.parityEvery === 0) {
        const mismatch = await parityMismatch(update);
        if (mismatch !== undefined) {
          reject('parity-mismatch', kind, mismatch);
          return;
        }
      }
    } catch (error) {
      reject('unloadable', kind, messageOf(error));
      return;
    }
    liveTrace = update.traceparent ?? liveTrace;
    const place = { incarnation, position, learnedToMs, publishedAtMs };
    applied = liveTrace === undefined ? place : { ...place, takeTrace };
    golden = { goldenRows, goldenScores, tableBits: update.tableBits };
    appliedCount += 1;
    ports.observe.snapshot(model, kind, 'applied');
    if (update.id !== RESTORED_ID) ports.observe.freshness(model, ports.nowMs() - publishedAtMs);
    deps.onSettled(update.id, true, spare);
    setFault(undefined);
  }

  /** Puts a large patch into a copy, in pieces between which requests are answered. */
  async function prepare(update: SnapshotUpdate, weights: Float32Array): Promise<void> {
    isPreparing = true;
    prepared = await inTurns(patchedCopy(weights, update));
    isPreparing = false;
    wake();
  }

  const turn = (): Promise<void> =>
    new Promise((resolve) => {
      ports.defer(resolve);
    });
  /** Does some work piece by piece, and returns what it returns at its end. */
  async function inTurns<T>(work: Generator<undefined, T>): Promise<T> {
    let step = work.next();
    for (; step.done !== true; step = work.next()) await turn();
    return step.value;
  }
  const canApply = (): boolean =>
    pending !== undefined && !isPreparing && !isCaptured && ports.specOf(model) !== undefined;
  const canCapture = (): boolean => captures.length > 0 && !isCaptured;

  async function work(): Promise<void> {
    // What was asked before the version was forgotten is answered.
    while ((!isClosed && (canApply() || canCapture())) || runs.areWaiting()) {
      if (!isClosed && pending !== undefined && canApply()) await applyPending(pending);
      else if (!isClosed && canCapture()) await giveCaptures();
      else {
        const running = runs.run();
        if (running !== undefined) await running;
      }
    }
    isWorking = false;
    if (isClosed) await end();
  }

  async function end(): Promise<void> {
    runs.failAll();
    await Promise.all(captures.splice(0).map((take) => take(undefined)));
    const last = loaded;
    loaded = undefined;
    await last?.close();
  }

  function wake(): void {
    if (isWorking) return;
    isWorking = true;
    ports.defer(() => void work());
  }

  function takeTrace(): string | undefined {
    const trace = liveTrace;
    liveTrace = undefined;
    return trace;
  }

  function offer(update: SnapshotUpdate): void {
    pending = update;
    if (loaded !== undefined && !needsFull && (update.indices?.length ?? 0) > PATCHED_IN_PLACE_MAX)
      void prepare(update, loaded.parameters.weights);
    else wake();
  }

  return {
    offer,
    wake,
    restore(snapshot) {
      if (applied !== undefined || pending !== undefined || lastId !== RESTORED_ID) return;
      offer({ ...snapshot, id: RESTORED_ID, kind: 'full', traceparent: undefined });
    },
    capture: (take) =>
      new Promise((resolve, fail) => {
        captures.push(async (snapshot) => {
          try {
            resolve(snapshot === undefined ? undefined : await inTurns(take(snapshot)));
          } catch (error) {
            fail(error instanceof Error ? error : new Error(messageOf(error)));
          }
        });
        wake();
      }),
    score(row, done) {
      if (fault !== undefined || isClosed) {
        done(NOT_SCORED);
        return;
      }
      runs.add(row, done);
      wake();
    },
    notReady: () => (isClosed ? 'the version was forgotten' : fault),
    leftAlone: runs.leftAlone,
    applied: () => applied,
    close() {
      isClosed = true;
      wake();
    },
  };
}

function hasSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
