import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Metric } from 'prom-client';
import { createTallyHistogram } from './tally-histogram.ts';
import type { TallyHistogram, TallyOptions } from './tally-histogram.ts';

/** A metric that is kept elsewhere. */
export interface ReadMetricOptions {
  readonly name: string;
  readonly help: string;
  readonly kind: 'counter' | 'gauge';
  readonly labelNames: readonly string[];
  readonly values: () => readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

/** A closed set of values a label may take is the caller's promise; this makes metrics with names and help only. */
export interface Metrics {
  readonly registry: Registry;
  counter<Label extends string = never>(
    name: string,
    help: string,
    labelNames?: readonly Label[],
  ): Counter<Label>;
  gauge<Label extends string = never>(
    name: string,
    help: string,
    labelNames?: readonly Label[],
  ): Gauge<Label>;
  histogram<Label extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labelNames?: readonly Label[],
  ): Histogram<Label>;
  /** As `histogram`, for what is observed with every request. */
  tally(options: TallyOptions): TallyHistogram;
  /** Makes a metric whose values are asked for when it is read: for what changes with every request. */
  read(options: ReadMetricOptions): void;
}

/** Returns a registry of its own, with the process metrics of Node in it. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    counter: (name, help, labelNames = []) =>
      new Counter({ name, help, labelNames: [...labelNames], registers }),
    gauge: (name, help, labelNames = []) => new Gauge({ name, help, labelNames: [...labelNames], registers }),
    histogram: (name, help, buckets, labelNames = []) =>
      new Histogram({ name, help, buckets: [...buckets], labelNames: [...labelNames], registers }),
    tally: (options) => createTallyHistogram(registry, options),
    read: ({ name, help, kind: type, labelNames, values }) => {
      const get = (): Promise<object> =>
        Promise.resolve({ name, help, type, aggregator: 'sum', values: values() });
      registry.registerMetric({ name, help, type, labelNames, get } as unknown as Metric); // it asks for name and get() alone
    },
  };
}

/** Buckets for durations of requests, seconds. */
export const DURATION_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
