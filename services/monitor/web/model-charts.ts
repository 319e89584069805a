import type { ModelView } from '../domain/page/messages.ts';
import type { ChartProps, Mark } from './chart.ts';
import { bandOf, columnOf, rateOf, smoothed, stacked, versionsIn } from './chart-data.ts';
import { duration, nats, percent, rate } from './format.ts';
import type { Points } from './merge.ts';
import { colourOf } from './parts.ts';
import { phaseWords } from './roles.ts';

/** Half the width of a 95 % interval, standard errors. */
const NORMAL_95 = 1.96;
/** Points over which rates are averaged. */
const SMOOTH_POINTS = 5;

const versionColour = (version: number): string => `colour-${String(colourOf(version))}`;

/** Returns the moments at which versions and stages began, as far as a series reaches. */
export function marksOf({ versions, rollout }: ModelView, { timesMs }: Points): readonly Mark[] {
  const first = timesMs[0] ?? 0;
  const marks = versions.map(({ version, registeredAtMs }) => ({
    atMs: registeredAtMs,
    label: `v${String(version)}`,
  }));
  if (rollout !== null) {
    const words = rollout.phase === 'canary' ? `step ${String(rollout.step + 1)}` : phaseWords(rollout.phase);
    marks.push({ atMs: rollout.stageBeganAtMs, label: words });
  }
  return marks.filter(({ atMs }) => atMs >= first);
}

/** Returns the progressive loss of every version with its band, and that of the base rate. */
export function lossChart(view: ModelView, series: Points): ChartProps {
  const versions = versionsIn(series, 'loss');
  const losses = versions.map((version) => columnOf(series, `loss/${String(version)}`));
  return {
    label: 'Progressive loss of every living version and of the base rate',
    timesMs: series.timesMs,
    lines: [
      ...versions.map((version, at) => ({
        label: `v${String(version)}`,
        colour: versionColour(version),
        values: losses[at] ?? [],
      })),
      { label: 'base rate', colour: 'muted', values: columnOf(series, 'base'), isDashed: true },
    ],
    bands: versions.map((version, at) => {
      const errors = columnOf(series, `error/${String(version)}`);
      const widths = errors.map((error) => (error === null ? null : NORMAL_95 * error));
      return bandOf(losses[at] ?? [], widths, versionColour(version));
    }),
    marks: marksOf(view, series),
    format: nats,
    height: 260,
  };
}

/** Returns how many predictions a second each version answered, one upon the other. */
export function trafficChart(view: ModelView, series: Points): ChartProps {
  const versions = versionsIn(series, 'served');
  const rates = versions.map((version) =>
    smoothed(rateOf(series.timesMs, columnOf(series, `served/${String(version)}`)), SMOOTH_POINTS),
  );
  const layers = stacked(rates);
  return {
    label: 'Predictions per second by the version that answered, one upon the other',
    timesMs: series.timesMs,
    lines: versions.map((version, at) => ({
      label: `v${String(version)}`,
      colour: versionColour(version),
      values: layers[at] ?? [],
      said: rates[at] ?? [],
      isFilled: true,
    })),
    marks: marksOf(view, series),
    format: rate,
    isFromZero: true,
  };
}

/** Returns the share of predictions that the candidate's arm had. */
export function armsChart(series: Points): ChartProps {
  const perSecond = (arm: string): readonly (number | null)[] =>
    smoothed(rateOf(series.timesMs, columnOf(series, `arm/${arm}`)), SMOOTH_POINTS);
  const [stable, candidate] = [perSecond('stable'), perSecond('candidate')];
  return {
    label: 'Predictions per second by the arm that the subject was assigned to',
    timesMs: series.timesMs,
    lines: [
      { label: 'stable', colour: 'good', values: stable },
      { label: 'candidate', colour: 'accent', values: candidate },
    ],
    format: rate,
    isFromZero: true,
  };
}

/** Returns how fresh answers were. */
export function freshnessChart(series: Points): ChartProps {
  return {
    label: 'Freshness: from an event to the first answer that has learned it',
    timesMs: series.timesMs,
    lines: [
      { label: 'p50', colour: 'accent', values: columnOf(series, 'fresh50') },
      { label: 'p99', colour: 'muted', values: columnOf(series, 'fresh99') },
    ],
    format: duration,
    isFromZero: true,
  };
}

/** Returns the calibration error of every version over time. */
export function calibrationChart(series: Points): ChartProps {
  return {
    label: 'Expected calibration error of every living version',
    timesMs: series.timesMs,
    lines: versionsIn(series, 'calibration').map((version) => ({
      label: `v${String(version)}`,
      colour: versionColour(version),
      values: columnOf(series, `calibration/${String(version)}`),
    })),
    format: (value) => percent(value),
    isFromZero: true,
  };
}
