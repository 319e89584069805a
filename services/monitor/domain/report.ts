import type { ProgressiveMetrics } from '../../../shared/domain/progressive-metrics.ts';
import type { Quantiles } from './log-histogram.ts';
import { ARM_COUNT, VERSION_COUNT } from './measures.ts';
import type { ArmMeasures, VersionMeasures } from './measures.ts';
import { SHARD_COUNT } from './shard-monitor.ts';
import type { Positions, ShardMonitor } from './shard-monitor.ts';

/** Progressive figures; null where there is nothing to divide by. */
export type QualityView = Readonly<Record<string, number | null>>;

/** What the monitor knows of one model. */
export interface Report {
  readonly model: string;
  readonly positions: Positions;
  /** Records of each topic not measured yet. */
  readonly lag: Positions;
  /** Event time up to which the join is complete, ms since the Unix epoch; null before the first label. */
  readonly watermarkMs: number | null;
  readonly labels: {
    readonly predictions: number;
    readonly labelled: number;
    readonly defaulted: number;
    readonly repeated: number;
  };
  readonly labelDelayMs: Quantiles;
  readonly freshnessMs: Quantiles;
  readonly stalenessMs: Quantiles;
  readonly versions: readonly object[];
  readonly arms: readonly object[];
}

function qualityView(metrics: ProgressiveMetrics): QualityView {
  return Object.fromEntries(
    Object.entries(metrics.summary()).map(([name, value]: [string, number]) => [
      name,
      Number.isFinite(value) ? value : null,
    ]),
  );
}

function versionView([version, measures]: [number, VersionMeasures]): object {
  const { counters } = measures;
  return {
    version,
    predictions: {
      served: counters.get(VERSION_COUNT.served),
      scored: counters.get(VERSION_COUNT.scored),
      failed: counters.get(VERSION_COUNT.failed),
      scoringMicros: measures.scoringMicros.quantiles(),
    },
    learner: { ...qualityView(measures.learner), calibration: measures.learner.calibration() },
    router: { ...qualityView(measures.router), calibration: measures.router.calibration() },
  };
}

function armView(arm: string, measures: ArmMeasures): object {
  return {
    arm,
    predictions: measures.counters.get(ARM_COUNT.predictions),
    latencyMicros: measures.latencyMicros.quantiles(),
    answered: qualityView(measures.answered),
  };
}

/** Returns the report of a shard; `lag` comes from the log's ends. */
export function reportOf(model: string, monitor: ShardMonitor, lag: Positions): Report {
  const { counters, arms } = monitor;
  const predictions =
    arms.stable.counters.get(ARM_COUNT.predictions) + arms.candidate.counters.get(ARM_COUNT.predictions);
  const watermarkMs = counters.get(SHARD_COUNT.watermarkMs);
  return {
    model,
    positions: { ...monitor.positions },
    lag,
    watermarkMs: watermarkMs === 0 ? null : watermarkMs,
    labels: {
      predictions,
      labelled: counters.get(SHARD_COUNT.labelled),
      defaulted: counters.get(SHARD_COUNT.defaulted),
      repeated: counters.get(SHARD_COUNT.repeated),
    },
    labelDelayMs: monitor.labelDelayMs.quantiles(),
    freshnessMs: monitor.freshnessMs.quantiles(),
    stalenessMs: monitor.stalenessMs.quantiles(),
    versions: [...monitor.versions].sort(([a], [b]) => a - b).map(versionView),
    arms: [armView('stable', arms.stable), armView('candidate', arms.candidate)],
  };
}
