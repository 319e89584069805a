import type { ModelState } from '../../../../shared/domain/model-directory.ts';
import type { ProgressiveSummary } from '../../../../shared/domain/progressive-metrics.ts';
import { livingVersions } from '../../../../shared/domain/model-directory.ts';
import type { StreamEvidence, VerdictEvidence } from '../../../../shared/domain/rollout.ts';
import type { LogHistogram } from '../log-histogram.ts';
import type { Quantiles } from '../log-histogram.ts';
import { ARM_COUNT, VERSION_COUNT } from '../measures.ts';
import type { Positions, ShardMonitor } from '../shard-monitor.ts';
import { alarmsOf } from './alarms.ts';
import { LossBand, RecentMean } from './loss-band.ts';
import type { Alarm, OverviewRow } from './messages.ts';
import { RateMeter } from './rate-meter.ts';
import { Series } from './series.ts';

/** A model that nothing happens to gets a point so seldom, ms. */
const IDLE_POINT_MS = 10_000;
/** Freshness is told of at least so much time, ms. */
const FRESHNESS_WINDOW_MS = 10_000;
const STREAM_POINTS = 240;
/** Examples from which a version's loss is shown over time. */
const SHOWN_EXAMPLES_MIN = 100;

/** What is known of a model at a moment. */
export interface Look {
  readonly nowMs: number;
  readonly tick: number;
  readonly model: ModelState;
  /** Undefined when its shard is not here. */
  readonly monitor: ShardMonitor | undefined;
  readonly lag: Positions | undefined;
  readonly stopped: string | undefined;
  /** Evidence of the rollout under way, made when it is needed; undefined when there is none. */
  readonly evidence: () => VerdictEvidence | undefined;
}

const rounded = (value: number | undefined | null): number | null =>
  value == null || !Number.isFinite(value) ? null : Number(value.toPrecision(4));

/** What is followed of one model for the page, in bounded memory. It is no state: a restart begins anew. */
export class ModelTrack {
  readonly series = new Series();
  readonly streams = new Series(STREAM_POINTS);
  #rolloutId = '';
  #token = '';
  #pointAtMs = 0;
  #freshness: Quantiles | undefined;
  #freshnessBefore: { readonly atMs: number; readonly histogram: LogHistogram } | undefined;
  readonly #bands = new Map<number, LossBand>();
  readonly #base = new RecentMean();
  readonly #predictions = new RateMeter();
  readonly #events = new RateMeter();
  predictionsPerSecond = 0;
  eventsPerSecond = 0;
  alarms: readonly Alarm[] = [];

  /** Takes a look at the model and returns its row of the overview. */
  take(look: Look): OverviewRow {
    const { model, monitor, nowMs, lag, stopped } = look;
    const measured = monitor === undefined ? undefined : this.#measure(look, monitor);
    const lagRecords =
      lag === undefined ? null : Object.values(lag).reduce((sum, one: number) => sum + one, 0);
    const freshnessP99Ms = this.#freshness?.p99 ?? null;
    this.alarms = alarmsOf({ model, stopped, lagRecords, freshnessP99Ms });
    const predictions = monitor === undefined ? 0 : answered(monitor);
    this.predictionsPerSecond = this.#predictions.take(predictions, nowMs);
    this.eventsPerSecond = this.#events.take(measured?.learned ?? 0, nowMs);
    const { plan, rollout } = model;
    return [
      model.spec.name,
      plan.stable,
      plan.candidate,
      plan.candidateWeightBp,
      rollout?.phase ?? null,
      rollout?.pausedBecause == null ? 0 : 1,
      livingVersions(model).length,
      predictions,
      rounded(this.predictionsPerSecond) ?? 0,
      rounded(this.eventsPerSecond) ?? 0,
      rounded(freshnessP99Ms),
      lagRecords,
      rounded(measured?.loss),
      rounded(measured?.base),
      this.alarms,
    ];
  }

  #last: { learned: number; loss: number; base: number } = { learned: 0, loss: NaN, base: NaN };

  #measure(look: Look, monitor: ShardMonitor): { learned: number; loss: number; base: number } {
    const { nowMs, tick } = look;
    const token = JSON.stringify(monitor.positions);
    if (token === this.#token && nowMs - this.#pointAtMs < IDLE_POINT_MS) return this.#last;
    this.#token = token;
    this.#pointAtMs = nowMs;
    this.#lookAtFreshness(monitor, nowMs);
    const values = this.#valuesOf(look, monitor);
    this.series.add(nowMs, tick, values);
    this.#followRollout(look);
    return this.#last;
  }

  #valuesOf({ model, lag }: Look, monitor: ShardMonitor): Record<string, number> {
    const values: Record<string, number> = {};
    const living = livingVersions(model).map(({ version }) => version);
    let most: ProgressiveSummary | undefined;
    let loss = NaN;
    for (const version of living) {
      const measures = monitor.versions.get(version);
      if (measures === undefined) continue;
      const learned = measures.learner.summary();
      const told = learned.examples > 0 ? learned : measures.router.summary();
      if (most === undefined || learned.examples > most.examples) most = learned;
      let band = this.#bands.get(version);
      if (band === undefined) this.#bands.set(version, (band = new LossBand()));
      const name = String(version);
      // The mean of a few losses is no level to draw: it would set the scale of all that come after.
      if (told.examples >= SHOWN_EXAMPLES_MIN) values[`loss/${name}`] = told.recentLogLoss;
      values[`error/${name}`] = band.take(told.examples, told.logLoss * told.weight);
      values[`calibration/${name}`] = told.expectedCalibrationError;
      values[`served/${name}`] = measures.counters.get(VERSION_COUNT.served);
      values[`learned/${name}`] = learned.examples;
      if (version === model.plan.stable) loss = told.recentLogLoss;
    }
    for (const version of this.#bands.keys()) if (!living.includes(version)) this.#bands.delete(version);
    this.series.keepColumns(
      (name) =>
        !name.includes('/') ||
        name.startsWith('arm/') ||
        living.some((one) => name.endsWith(`/${String(one)}`)),
    );
    const base = most === undefined ? NaN : this.#base.take(most.weight, most.baseRateLogLoss * most.weight);
    values['base'] = base;
    values['arm/stable'] = monitor.arms.stable.counters.get(ARM_COUNT.predictions);
    values['arm/candidate'] = monitor.arms.candidate.counters.get(ARM_COUNT.predictions);
    if (this.#freshness?.p50 != null) values['fresh50'] = this.#freshness.p50;
    if (this.#freshness?.p99 != null) values['fresh99'] = this.#freshness.p99;
    if (lag !== undefined)
      values['lag'] = lag['training-events.v1'] + lag['predictions.v1'] + lag['scores.v1'];
    this.#last = { learned: most?.examples ?? 0, loss, base };
    return values;
  }

  /** Quantiles of what came in the last ten seconds or more; the last known ones where nothing came. */
  #lookAtFreshness({ freshnessMs }: ShardMonitor, nowMs: number): void {
    const before = this.#freshnessBefore;
    if (before === undefined) {
      this.#freshnessBefore = { atMs: nowMs, histogram: freshnessMs.copy() };
      this.#freshness = freshnessMs.quantiles();
      return;
    }
    const recent = freshnessMs.since(before.histogram).quantiles();
    if (recent.count > 0) this.#freshness = recent;
    if (nowMs - before.atMs >= FRESHNESS_WINDOW_MS)
      this.#freshnessBefore = { atMs: nowMs, histogram: freshnessMs.copy() };
  }

  #followRollout({ model, evidence, nowMs, tick }: Look): void {
    const { rollout } = model;
    if (rollout === null) return;
    if (rollout.rolloutId !== this.#rolloutId) {
      this.#rolloutId = rollout.rolloutId;
      this.streams.clear(tick);
    }
    const shown = evidence();
    if (shown === undefined) return;
    this.streams.add(
      nowMs,
      tick,
      Object.assign({}, ...shown.streams.map(valuesOfStream)) as Record<string, number>,
    );
  }
}

function answered({ arms }: ShardMonitor): number {
  return arms.stable.counters.get(ARM_COUNT.predictions) + arms.candidate.counters.get(ARM_COUNT.predictions);
}

function valuesOfStream({
  name,
  estimate,
  interval,
  rollback,
  promote,
}: StreamEvidence): Record<string, number> {
  return {
    [`${name}/estimate`]: estimate ?? NaN,
    [`${name}/low`]: interval?.[0] ?? NaN,
    [`${name}/high`]: interval?.[1] ?? NaN,
    [`${name}/rollback`]: rollback?.logE ?? NaN,
    [`${name}/promote`]: promote?.logE ?? NaN,
  };
}
