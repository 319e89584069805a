import type { Snapshot } from '../../shared/domain/events.ts';
import { messageOf } from '../../shared/errors.ts';
import { afterRun, breakerWords, CLOSED_BREAKER, isOpen } from './domain/breaker.ts';
import type { CompleteSnapshot, SnapshotPlace } from './domain/complete-snapshot.ts';
import { parityFault } from './domain/parity.ts';
import { EMPTY_LEDGER, takeSnapshot, withoutFull } from './domain/take-snapshot.ts';
import { LoadedVersion } from './loaded-version.ts';
import type { Row } from './loaded-version.ts';
import type { ScoredRows, SnapshotResult, VersionPorts } from './ports.ts';

/** The snapshot that scored something. */
export interface AppliedSnapshot extends SnapshotPlace {
  readonly learnedToMs: number | null;
  readonly publishedAtMs: number;
}

/** The score of one row. */
export type RowScore =
  | {
      readonly ok: true;
      readonly score: number;
      readonly scoringMicros: number;
      readonly snapshot: AppliedSnapshot;
    }
  /** The version was not ready, threw, was over its time budget, gave a non-finite number, or is left alone for that. */
  | { readonly ok: false; readonly scoringMicros: number };

/** One version on this router: its parameters kept up to date, its rows scored. */
export interface VersionServer {
  /** Takes the next record of the version's snapshots, in the order of the topic. */
  offer(record: Snapshot): void;
  /** Looks again whether something can be done: the model's spec may be known now. */
  wake(): void;
  /** Returns the score of a row; rows asked for in one turn of the event loop are scored in one run. Never rejects. */
  score(row: Row): Promise<RowScore>;
  /** Returns why the version cannot be served; undefined when it can. */
  readonly notReady: () => string | undefined;
  /** Returns why the version is not scored although it could be; undefined when it is. */
  readonly leftAlone: () => string | undefined;
  readonly applied: () => AppliedSnapshot | undefined;
  /** Fails what waits and frees the graph once no run is under way. */
  close(): void;
}

/** What one version's server needs. */
export interface VersionServerDeps {
  readonly model: string;
  readonly version: number;
  readonly ports: VersionPorts;
  /** Most rows of one run. */
  readonly batchMax: number;
  /** Every how many applied snapshots the golden rows are scored again. */
  readonly parityEvery: number;
  /** The most that a run of a version other than stable may take, ms. */
  readonly budgetMs: number;
  /** Whether it owns traffic: stable has no time budget and is never left alone, because nobody else would answer. */
  readonly isStable: () => boolean;
  /** Called whenever the version becomes ready or stops being it, or is left alone. */
  readonly onReadiness: () => void;
}

interface WaitingRow {
  readonly row: Row;
  readonly resolve: (score: RowScore) => void;
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
  let waiting: WaitingRow[] = [];
  let isWorking = false;
  let isClosed = false;
  let breaker = CLOSED_BREAKER;

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
        const { goldenRows, goldenScores } = newest;
        const scores = goldenRows.length === 0 ? [] : ((await loaded?.score(goldenRows))?.scores ?? []);
        const mismatch = parityFault(scores, goldenScores);
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
    applied = { incarnation, position, learnedToMs, publishedAtMs };
    appliedCount += 1;
    ports.observe.snapshot(model, kind, 'applied');
    ports.observe.freshness(model, ports.nowMs() - publishedAtMs);
    setFault(undefined);
  }

  async function runBatch(): Promise<void> {
    const batch = waiting.length <= deps.batchMax ? waiting : waiting.slice(0, deps.batchMax);
    waiting = waiting.slice(batch.length);
    const snapshot = applied;
    if (fault !== undefined || loaded === undefined || snapshot === undefined) {
      for (const { resolve } of batch) resolve(FAILED);
      return;
    }
    let scored: ScoredRows;
    const rows = batch.map(({ row }) => row);
    try {
      ports.beforeRun(model, version, rows);
      scored = await loaded.score(rows);
    } catch (error) {
      ports.observe.failedRun(model, version);
      noteRun(messageOf(error));
      for (const { resolve } of batch) resolve(FAILED);
      return;
    }
    const { scores, durationMs } = scored;
    ports.observe.run(model, version, batch.length, durationMs);
    const scoringMicros = Math.round(durationMs * 1000);
    const isLate = durationMs > deps.budgetMs && !deps.isStable();
    let failure = isLate
      ? `it took ${durationMs.toFixed(0)} ms, allowed ${String(deps.budgetMs)} ms`
      : undefined;
    for (let i = 0; i < batch.length; i++) {
      const score = scores[i] ?? NaN;
      if (!Number.isFinite(score)) failure ??= `it scored ${String(score)}`;
      const isGood = Number.isFinite(score) && !isLate;
      batch[i]?.resolve(isGood ? { ok: true, score, scoringMicros, snapshot } : { ok: false, scoringMicros });
    }
    noteRun(failure);
  }

  /** Remembers how a run went: the first failure is logged, and so is being left alone for the fifth in a row. */
  function noteRun(failure: string | undefined): void {
    const before = breaker;
    breaker = afterRun(breaker, failure, ports.monotonicMs());
    if (failure !== undefined && before.failures === 0)
      ports.log.error({ model, version, reason: failure }, 'scoring failed');
    if (breaker.openUntilMs > 0 && before.openUntilMs === 0 && !deps.isStable())
      ports.log.error({ model, version, reason: failure }, 'version left alone for a while');
    if (breaker.openUntilMs > 0 !== before.openUntilMs > 0) deps.onReadiness();
  }

  const isLeftAlone = (): boolean => isOpen(breaker, ports.monotonicMs()) && !deps.isStable();

  const canApply = (): boolean =>
    (pendingFull !== undefined || pendingDelta !== undefined) && ports.specOf(model) !== undefined;

  async function work(): Promise<void> {
    while (!isClosed && (canApply() || waiting.length > 0)) {
      if (canApply()) await applyPending();
      else await runBatch();
    }
    isWorking = false;
    if (isClosed) await end();
  }

  async function end(): Promise<void> {
    for (const { resolve } of waiting.splice(0)) resolve(FAILED);
    const last = loaded;
    loaded = undefined;
    await last?.close();
  }

  function wake(): void {
    if (isWorking) return;
    isWorking = true;
    ports.defer(() => void work());
  }

  function offer(record: Snapshot): void {
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
    wake();
  }

  return {
    offer,
    wake,
    score(row) {
      if (fault !== undefined || isClosed || isLeftAlone()) return Promise.resolve(FAILED);
      return new Promise((resolve) => {
        waiting.push({ row, resolve });
        wake();
      });
    },
    notReady: () => fault,
    leftAlone: () => (isLeftAlone() ? breakerWords(breaker) : undefined),
    applied: () => applied,
    close() {
      isClosed = true;
      fault = 'the version was forgotten';
      wake();
    },
  };
}

function hasSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
