import { messageOf } from '../../shared/errors.ts';
import { afterRun, breakerWords, CLOSED_BREAKER, isOpen } from './domain/breaker.ts';
import type { SnapshotPlace } from './domain/complete-snapshot.ts';
import { createMemoryGuard } from './memory-guard.ts';
import type { RowInput } from './loaded-version.ts';
import type { ScoredRows, VersionPorts } from './ports.ts';
import { eatMemory, spoilRun } from './spoil-run.ts';

/** The snapshot that scored something. */
export interface AppliedSnapshot extends SnapshotPlace {
  readonly learnedToMs: number | null;
  readonly publishedAtMs: number;
  /** Returns, once, the W3C trace context of the newest traced event that it is the first to have learned. */
  readonly takeTrace?: () => string | undefined;
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

/** The rows that wait for one version, and its runs. */
export interface VersionRuns {
  /** Takes a row for the next run, or fails it at once when none will be. */
  add(row: RowInput, done: (score: RowScore) => void): void;
  readonly areWaiting: () => boolean;
  /** Runs what waits, the most that one run may take. Returns a promise where the scorer does. */
  run(): Promise<void> | undefined;
  /** Fails everything that waits. */
  failAll(): void;
  /** Returns why the version is not scored although it could be; undefined when it is. */
  readonly leftAlone: () => string | undefined;
}

/** What scores rows: all at once, one score a row. */
interface RowScorer {
  score(rows: readonly RowInput[]): ScoredRows | Promise<ScoredRows>;
}

/** What runs need. */
export interface VersionRunsDeps {
  readonly model: string;
  readonly version: number;
  readonly ports: VersionPorts;
  /** Most rows of one run. */
  readonly batchMax: number;
  /** The most that a run of a version other than stable may take, ms. */
  readonly budgetMs: number;
  /** The most memory that a run of a version other than stable may take, bytes. */
  readonly memoryBytes: number;
  /** Whether it owns traffic: stable has no time budget and is never left alone, because nobody else would answer. */
  readonly isStable: () => boolean;
  /** Called when the version is left alone, and when that ends. */
  readonly onReadiness: () => void;
  /** Returns what scores at the moment; undefined when nothing may. */
  readonly current: () => { readonly loaded: RowScorer; readonly snapshot: AppliedSnapshot } | undefined;
}

interface WaitingRow {
  readonly row: RowInput;
  readonly done: (score: RowScore) => void;
}

/** What is known of a run before it ends: what scores, and what is wrong with it already. */
interface RunFacts {
  readonly snapshot: AppliedSnapshot;
  readonly fault: string | undefined;
}

/** The score of a row that nothing was run for. */
export const NOT_SCORED: RowScore = { ok: false, scoringMicros: -1 };

/** Returns the runs of one version; whoever owns its parameters decides when there is one. */
export function createVersionRuns(deps: VersionRunsDeps): VersionRuns {
  const { model, version, ports } = deps;
  let waiting: WaitingRow[] = [];
  /** Whether a run is under way that is over its time budget. */
  let isStuck = false;
  let breaker = CLOSED_BREAKER;
  const guard = createMemoryGuard({
    limitBytes: deps.memoryBytes,
    count: ports.countMemory,
    monotonicMs: ports.monotonicMs,
  });
  /** What the last run took that was spoiled so: kept, because that is what eats memory. */
  const eaten: unknown[] = [];

  /** Runs what waits. Returns a promise where the scorer does. */
  function run(): Promise<void> | undefined {
    const batch = waiting.length <= deps.batchMax ? waiting : waiting.slice(0, deps.batchMax);
    waiting = waiting.length === batch.length ? [] : waiting.slice(batch.length);
    const current = deps.current();
    if (current === undefined) {
      failRows(batch);
      return undefined;
    }
    const rows = batch.map(({ row }) => row);
    try {
      const { result: scored, fault } = deps.isStable()
        ? { result: score(rows, current.loaded), fault: undefined }
        : guard.watch(() => score(rows, current.loaded));
      if (scored instanceof Promise) return runSlowly(batch, scored, { snapshot: current.snapshot, fault });
      finishRun(batch, scored, { snapshot: current.snapshot, fault });
    } catch (error) {
      failRun(batch, error);
    }
    return undefined;
  }

  /** Scores rows; in proofs alone the run is spoiled. */
  function score(rows: readonly RowInput[], loaded: RowScorer): ScoredRows | Promise<ScoredRows> {
    const spoiling = ports.beforeRun?.(
      model,
      version,
      rows.map((row) => row.values()),
    );
    if (spoiling === undefined) return loaded.score(rows);
    if (spoiling === 'memory') eaten[0] = eatMemory();
    const scoring = loaded.score(rows);
    return spoiling === 'memory' ? scoring : spoilRun(spoiling, scoring, ports.after);
  }

  function failRows(batch: readonly WaitingRow[]): void {
    for (const { done } of batch) done(NOT_SCORED);
  }

  function failRun(batch: readonly WaitingRow[], error: unknown): void {
    ports.observe.failedRun(model, version);
    noteRun(messageOf(error));
    failRows(batch);
  }

  async function runSlowly(
    batch: readonly WaitingRow[],
    scoring: Promise<ScoredRows>,
    run: RunFacts,
  ): Promise<void> {
    const cancel = ports.after(deps.budgetMs, () => {
      if (deps.isStable()) return;
      isStuck = true;
      failRun(batch, `it has not answered within ${String(deps.budgetMs)} ms`);
      failRows(waiting.splice(0));
    });
    try {
      const scored = await scoring;
      if (!isStuck) finishRun(batch, scored, run);
    } catch (error) {
      if (!isStuck) failRun(batch, error);
    } finally {
      cancel();
      isStuck = false;
    }
  }

  function finishRun(
    batch: readonly WaitingRow[],
    { scores, durationMs }: ScoredRows,
    { snapshot, fault }: RunFacts,
  ): void {
    ports.observe.run(model, version, batch.length, durationMs);
    const scoringMicros = Math.round(durationMs * 1000);
    const isLate = durationMs > deps.budgetMs && !deps.isStable();
    let failure = isLate ? `it took ${durationMs.toFixed(0)} ms, allowed ${String(deps.budgetMs)} ms` : fault;
    const isRefused = failure !== undefined;
    for (let i = 0; i < batch.length; i++) {
      const score = scores[i] ?? NaN;
      if (!Number.isFinite(score)) failure ??= `it scored ${String(score)}`;
      const isGood = Number.isFinite(score) && !isRefused;
      batch[i]?.done(isGood ? { ok: true, score, scoringMicros, snapshot } : { ok: false, scoringMicros });
    }
    noteRun(failure);
  }

  /** Remembers how a run went: the first failure is logged, and so is being left alone for the fifth in a row. */
  function noteRun(failure: string | undefined): void {
    if (failure === undefined && breaker.failures === 0) return;
    const before = breaker;
    breaker = afterRun(breaker, failure, ports.monotonicMs());
    if (failure !== undefined && before.failures === 0)
      ports.log.error({ model, version, reason: failure }, 'scoring failed');
    if (breaker.openUntilMs > 0 && before.openUntilMs === 0 && !deps.isStable())
      ports.log.error({ model, version, reason: failure }, 'version left alone for a while');
    if (breaker.openUntilMs > 0 !== before.openUntilMs > 0) deps.onReadiness();
  }

  const isLeftAlone = (): boolean => isOpen(breaker, ports.monotonicMs()) && !deps.isStable();

  return {
    add(row, done) {
      if (isStuck || isLeftAlone()) done(NOT_SCORED);
      else waiting.push({ row, done });
    },
    areWaiting: () => waiting.length > 0,
    run,
    failAll() {
      failRows(waiting.splice(0));
    },
    leftAlone: () => (isLeftAlone() ? breakerWords(breaker) : undefined),
  };
}
