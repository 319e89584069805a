import type { Points } from './merge.ts';

/** One value a point; null where there is none. */
export type Values = readonly (number | null)[];

/** A line of a chart. */
export interface Line {
  readonly label: string;
  /** Name of a colour of the style sheet. */
  readonly colour: string;
  readonly values: Values;
  /** What the legend and the table say; the values themselves when it is left out. */
  readonly said?: Values;
  readonly isDashed?: boolean;
  /** Draws steps and fills down to the line below: a layer of a river. */
  readonly isFilled?: boolean;
}

/** What lies between two lines of values, drawn behind them. */
export interface Band {
  readonly low: Values;
  readonly high: Values;
  readonly colour: string;
}

/** Returns a column, null everywhere when there is none. */
export function columnOf({ timesMs, columns }: Points, name: string): Values {
  return columns[name] ?? timesMs.map(() => null);
}

/** Returns the versions that a series has columns of, ascending. */
export function versionsIn({ columns }: Points, prefix: string): number[] {
  return Object.keys(columns)
    .filter((name) => name.startsWith(`${prefix}/`))
    .map((name) => Number(name.slice(prefix.length + 1)))
    .sort((a, b) => a - b);
}

/** Returns how fast a count rises to each point from the one before, per second; null where it is not known. */
export function rateOf(timesMs: readonly number[], counts: Values): Values {
  return counts.map((count, at) => {
    const before = counts[at - 1];
    const ms = (timesMs[at] ?? 0) - (timesMs[at - 1] ?? 0);
    if (at === 0 || count == null || before == null || ms <= 0 || count < before) return null;
    return ((count - before) * 1000) / ms;
  });
}

/** Returns values averaged with their neighbours: 1, 2, … `width` of them, the last ones alone with what is before. */
export function smoothed(values: Values, width: number): Values {
  return values.map((value, at) => {
    if (value === null) return null;
    const near = values.slice(Math.max(0, at - width + 1), at + 1).filter((one) => one !== null);
    return near.reduce((sum, one) => sum + one, 0) / near.length;
  });
}

/** Returns layers put upon each other: each with everything below it added. */
export function stacked(layers: readonly Values[]): Values[] {
  let below: Values = layers[0]?.map(() => 0) ?? [];
  return layers.map((layer) => (below = layer.map((value, at) => (value ?? 0) + (below[at] ?? 0))));
}

/** Returns the band of a width about values. */
export function bandOf(values: Values, widths: Values, colour: string): Band {
  const shifted = (sign: number): Values =>
    values.map((value, at) => {
      const width = widths[at];
      return value === null || width == null ? null : value + sign * width;
    });
  return { low: shifted(-1), high: shifted(1), colour };
}

/** Returns the last value that there is. */
export function lastOf(values: Values): number | null {
  return values.findLast((value) => value !== null) ?? null;
}

/** Returns at most so many places of a series, evenly, the last one among them. */
export function sampled(length: number, most: number): number[] {
  const step = Math.max(1, Math.ceil(length / most));
  const places: number[] = [];
  for (let at = length - 1; at >= 0; at -= step) places.unshift(at);
  return places;
}
