import type { ChartProps } from './chart.ts';
import { columnOf } from './chart-data.ts';
import { signed } from './format.ts';
import type { Points } from './merge.ts';
import { marginsOf } from './rollout-model.ts';
import type { RolloutPolicy } from '../../../shared/domain/rollout-policy.ts';
import type { StreamEvidence } from '../../../shared/domain/rollout.ts';

const logE = (value: number | null): string => (value === null ? '–' : value.toFixed(2));

/** Returns the logarithms of a gate's e-values over time, and what they have to reach. */
export function evalueChart({ name, rollback, promote }: StreamEvidence, streams: Points): ChartProps {
  return {
    label: `Natural logarithm of the e-values of ${name}, and what they must reach`,
    timesMs: streams.timesMs,
    lines: [
      ...(promote === null
        ? []
        : [{ label: 'for promoting', colour: 'good', values: columnOf(streams, `${name}/promote`) }]),
      ...(rollback === null
        ? []
        : [{ label: 'for rolling back', colour: 'bad', values: columnOf(streams, `${name}/rollback`) }]),
    ],
    levels: [
      ...(promote === null ? [] : [{ at: promote.thresholdLogE, label: 'promote', colour: 'good' }]),
      ...(rollback === null ? [] : [{ at: rollback.thresholdLogE, label: 'roll back', colour: 'bad' }]),
    ],
    format: logE,
    height: 190,
    // What is far beyond a threshold tells nothing more, and would flatten what is near it.
    most: 2.5 * Math.max(promote?.thresholdLogE ?? 0, rollback?.thresholdLogE ?? 0),
  };
}

/** Returns a gate's difference over time with its confidence sequence, and its margins. */
export function estimateChart({ name }: StreamEvidence, streams: Points, policy: RolloutPolicy): ChartProps {
  const { promote, rollback } = marginsOf(name, policy);
  return {
    label: `Difference of ${name}, candidate less baseline, with its confidence sequence`,
    timesMs: streams.timesMs,
    lines: [{ label: 'mean difference', colour: 'accent', values: columnOf(streams, `${name}/estimate`) }],
    bands: [
      { low: columnOf(streams, `${name}/low`), high: columnOf(streams, `${name}/high`), colour: 'accent' },
    ],
    levels: [
      { at: 0, label: 'no difference', colour: 'muted' },
      ...(promote === null || promote === rollback
        ? []
        : [{ at: promote, label: 'promotion margin', colour: 'good' }]),
      ...(rollback === null ? [] : [{ at: rollback, label: 'margin', colour: 'bad' }]),
    ],
    format: signed,
    height: 190,
  };
}
