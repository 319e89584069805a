import type { Metric, Registry } from 'prom-client';

/** What is observed of one combination of labels. */
export interface Tally {
  observe(value: number): void;
}

/** A histogram whose observing costs nanoseconds: who observes often keeps the tally of its labels. */
export interface TallyHistogram {
  /** Returns the tally of these label values, in the order of the names. */
  of(...labels: readonly string[]): Tally;
  /** Forgets a combination of labels; its tallies count on unseen. */
  remove(...labels: readonly string[]): void;
}

/** What a histogram is called and how it counts. */
export interface TallyOptions {
  readonly name: string;
  readonly help: string;
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
  readonly labelNames: readonly string[];
}

class Counts implements Tally {
  readonly labels: readonly string[];
  /** One a bucket, and one for what is beyond the last. */
  readonly counts: Float64Array;
  sum = 0;
  readonly #bounds: Float64Array;

  constructor(labels: readonly string[], bounds: Float64Array) {
    this.labels = labels;
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] ?? 0)) at++;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.sum += value;
  }
}

/**
 * Returns a histogram in the registry. prom-client's own checks and joins the labels at each observation, which costs a
 * microsecond: as much as scoring a row.
 */
export function createTallyHistogram(registry: Registry, options: TallyOptions): TallyHistogram {
  const { name, help, labelNames } = options;
  const bounds = Float64Array.from(options.buckets);
  const tallies = new Map<string, Counts>();

  function valuesOf({ labels, counts, sum }: Counts): object[] {
    const named = Object.fromEntries(labelNames.map((label, at) => [label, labels[at] ?? '']));
    let count = 0;
    const buckets = Array.from(counts, (inBucket, at) => {
      count += inBucket;
      return { metricName: `${name}_bucket`, labels: { le: bounds[at] ?? '+Inf', ...named }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels: named, value: sum },
      { metricName: `${name}_count`, labels: named, value: count },
    ];
  }

  const metric = {
    name,
    help,
    labelNames,
    type: 'histogram',
    get: () =>
      Promise.resolve({
        name,
        help,
        type: 'histogram',
        aggregator: 'sum',
        values: [...tallies.values()].flatMap(valuesOf),
      }),
  };
  registry.registerMetric(metric as unknown as Metric); // it asks its metrics for name and get() alone
  return {
    of(...labels) {
      const key = labels.join('\n');
      const known = tallies.get(key) ?? new Counts(labels, bounds);
      tallies.set(key, known);
      return known;
    },
    remove(...labels) {
      tallies.delete(labels.join('\n'));
    },
  };
}
