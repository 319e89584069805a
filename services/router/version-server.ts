import type { Snapshot } from '../../shared/domain/events.ts';
import { messageOf } from '../../shared/errors.ts';
import type { CompleteSnapshot } from './domain/complete-snapshot.ts';
import { parityFault } from './domain/parity.ts';
import { EMPTY_LEDGER, takeSnapshot, withoutFull } from './domain/take-snapshot.ts';
import { inputsOf, LoadedVersion } from './loaded-version.ts';
import type { RowInput } from './loaded-version.ts';
import type { SnapshotResult } from './ports.ts';
import { createVersionRuns } from './version-runs.ts';
import type { AppliedSnapshot, RowScore, VersionRunsDeps } from './version-runs.ts';

/** One version on this router: its parameters kept up to date, its rows scored. */
export interface VersionServer {
  /** Takes the next record of the version's snapshots, in the order of the topic. */
  offer(record: Snapshot, traceparent?: string): void;
  /** Takes a full snapshot that was kept on disk, unless there is one already. What comes from the topic replaces it. */
  restore(snapshot: CompleteSnapshot): void;
  /**
   * Calls with the parameters as they are served, as a full snapshot, once their golden rows have scored as they should, and
   * resolves with what the call returned; its arrays change afterwards. Resolves with undefined when nothing verified is there.
   */
  capture<T>(take: (snapshot: CompleteSnapshot) => T): Promise<T | undefined>;
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
}

const FAILED: RowScore = { ok: false, scoringMicros: -1 };

/**
 * Returns the server of one version. One loop does everything that touches its parameters, one thing after the other:
 * applies what is pending, verifies, runs a batch. So nothing is patched while a run is under way, and the snapshot that a
 * row is said to be scored by is the one that scored it.
 */
export function createVersionServer(deps: VersionServerDeps): VersionServer {
  const { model, version, ports } = deps;
  let ledger = EMPTY_LEDGER;
  let pendingFull: CompleteSnapshot | undefined;
  let pendingDelta: CompleteSnapshot | undefined;
  let loaded: LoadedVersion | undefined;
  let applied: AppliedSnapshot | undefined;
  let appliedCount = 0;
  let fault: string | undefined = 'no snapshot yet';
  let isWorking = false;
  let isClosed = false;
  /** The rows that the applied snapshot brought to be verified by. */
  let golden: Pick<CompleteSnapshot, 'goldenRows' | 'goldenScores' | 'tableBits'> | undefined;
  let restored: CompleteSnapshot | undefined;
  /** Traces of events that came with snapshots: not applied yet, and applied but not answered from. */
  const traces: { pending: string | undefined; live: string | undefined } = {
    pending: undefined,
    live: undefined,
  };
  let captures: ((snapshot: CompleteSnapshot | undefined) => void)[] = [];
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

  /** What is pending is bad: deltas on it are, too, so a newer full snapshot must come. */
  function reject(result: SnapshotResult, kind: 'full' | 'delta', reason: string): void {
    ports.observe.snapshot(model, kind, result);
    ports.log.error({ model, version, result, reason }, 'snapshot not served');
    if (pendingFull === undefined) {
      pendingDelta = undefined;
      ledger = withoutFull(ledger);
    }
    setFault(`${result}: ${reason}`);
  }

  async function loadFull(full: CompleteSnapshot): Promise<boolean> {
    const spec = ports.specOf(model);
    if (spec === undefined) throw new RangeError('the model is not known');
    const isSameGraph = loaded !== undefined && full.graph !== null && hasSameBytes(loaded.graph, full.graph);
    if (loaded !== undefined && isSameGraph) {
      loaded.replace(full);
      return false;
    }
    const before = loaded;
    loaded = await LoadedVersion.open(spec, full, ports.openScorer);
    await before?.close();
    return true;
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
    for (const take of takers) take(snapshot);
  }

  async function applyPending(): Promise<void> {
    const full = pendingFull;
    const delta = pendingDelta;
    const newest = delta ?? full;
    pendingFull = undefined;
    pendingDelta = undefined;
    if (newest === undefined) return;
    const kind = newest === full ? 'full' : 'delta';
    try {
      const isNewGraph = full !== undefined && (await loadFull(full));
      if (delta !== undefined) loaded?.patch(delta);
      const isOther = isNewGraph || applied?.incarnation !== newest.incarnation;
      if (fault !== undefined || isOther || appliedCount % deps.parityEvery === 0) {
        const mismatch = await parityMismatch(newest);
        if (mismatch !== undefined) {
          reject('parity-mismatch', kind, mismatch);
          return;
        }
      }
    } catch (error) {
      reject('unloadable', kind, messageOf(error));
      return;
    }
    const { incarnation, position, learnedToMs, publishedAtMs } = newest;
    traces.live = traces.pending ?? traces.live;
    traces.pending = undefined;
    const place = { incarnation, position, learnedToMs, publishedAtMs };
    applied = traces.live === undefined ? place : { ...place, takeTrace };
    const { goldenRows, goldenScores, tableBits } = newest;
    golden = { goldenRows, goldenScores, tableBits };
    appliedCount += 1;
    ports.observe.snapshot(model, kind, 'applied');
    if (newest !== restored) ports.observe.freshness(model, ports.nowMs() - publishedAtMs);
    restored = undefined;
    setFault(undefined);
  }

  const canApply = (): boolean =>
    (pendingFull !== undefined || pendingDelta !== undefined) && ports.specOf(model) !== undefined;

  async function work(): Promise<void> {
    // What was asked before the version was forgotten is answered.
    while ((!isClosed && (canApply() || captures.length > 0)) || runs.areWaiting()) {
      if (!isClosed && canApply()) await applyPending();
      else if (!isClosed && captures.length > 0) await giveCaptures();
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
    for (const take of captures.splice(0)) take(undefined);
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
    const { live } = traces;
    traces.live = undefined;
    return live;
  }

  function offer(record: Snapshot, traceparent?: string): void {
    const taken = takeSnapshot(ledger, record, ports.sha256);
    ledger = taken.ledger;
    const { verdict } = taken;
    if (verdict.kind === 'refused') {
      ports.observe.snapshot(model, record.kind, verdict.reason);
      ports.log.debug(
        { model, version, reason: verdict.reason, position: record.position },
        'snapshot passed over',
      );
    }
    if (verdict.kind !== 'complete') return;
    const { snapshot } = verdict;
    const isFull = snapshot.indices === null;
    if (pendingDelta !== undefined) ports.observe.snapshot(model, 'delta', 'superseded');
    if (isFull && pendingFull !== undefined) ports.observe.snapshot(model, 'full', 'superseded');
    if (isFull) pendingFull = snapshot;
    pendingDelta = isFull ? undefined : snapshot;
    traces.pending = traceparent ?? traces.pending;
    wake();
  }

  return {
    offer,
    wake,
    restore(snapshot) {
      if (applied !== undefined || pendingFull !== undefined || pendingDelta !== undefined) return;
      pendingFull = restored = snapshot;
      wake();
    },
    capture: (take) =>
      new Promise((resolve, fail) => {
        captures.push((snapshot) => {
          try {
            resolve(snapshot === undefined ? undefined : take(snapshot));
          } catch (error) {
            fail(error instanceof Error ? error : new Error(messageOf(error)));
          }
        });
        wake();
      }),
    score(row, done) {
      if (fault !== undefined || isClosed) {
        done(FAILED);
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
