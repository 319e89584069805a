import { sha256Hex } from '../../../shared/events/sha256.ts';
import { createFeatureEncoder } from '../../../shared/domain/feature-encoder.ts';
import type { Snapshot } from '../../../shared/domain/events.ts';
import type { FeatureValue, ModelSpec } from '../../../shared/domain/model-spec.ts';
import { bytesOf } from '../../../shared/domain/state-section.ts';
import { logistic } from './fake-scorer.ts';

export const TABLE_BITS = 8;
export const TABLE_SIZE = 2 ** TABLE_BITS + 1;

export const clickSpec: ModelSpec = {
  name: 'clicks',
  task: 'binary-classification',
  shards: 1,
  features: [
    { name: 'shop', type: 'categorical' },
    { name: 'isNew', type: 'boolean' },
    { name: 'amount', type: 'numeric' },
  ],
  crosses: [],
  label: { windowMs: 1000, onWindowEnd: 'drop', defaultLabel: 0 },
  learner: { kind: 'ftrl-logistic', tableBits: TABLE_BITS, alpha: 0.1, beta: 1, l1: 0, l2: 0 },
  snapshots: { minIntervalMs: 0 },
  predictionLog: 'async',
};

export const GOLDEN_ROWS: readonly (readonly FeatureValue[])[] = [
  [null, null, null],
  ['north', true, 12.5],
];

/** Returns weights of which all are 0 but the bias: every row scores sigmoid(bias). */
export function weightsOf(bias: number): Float32Array<ArrayBuffer> {
  const weights = new Float32Array(TABLE_SIZE);
  weights[TABLE_SIZE - 1] = bias;
  return weights;
}

/** Returns the score of a row under parameters, as the learner would say it. */
export function scoreOf(weights: Float32Array, row: readonly FeatureValue[], spec = clickSpec): number {
  const encoder = createFeatureEncoder(spec.features, spec.crosses, TABLE_BITS);
  const indices = new Int32Array(encoder.width);
  const values = new Float32Array(encoder.width);
  encoder.encode(row, { means: Float64Array.of(10), invStds: Float64Array.of(0.5) }, indices, values, 0);
  return logistic(indices, values, weights);
}

export function withDigest(record: Snapshot): Snapshot {
  const pieces = [record.indices, record.weights, record.means, record.invStds].filter(
    (piece) => piece !== null,
  );
  return { ...record, digest: sha256Hex(pieces) };
}

/** Returns a sound full snapshot of these weights. */
export function fullOf(weights: Float32Array<ArrayBuffer>, change: Partial<Snapshot> = {}): Snapshot {
  const position = change.position ?? 100;
  return withDigest({
    model: 'clicks',
    shard: 0,
    version: 1,
    kind: 'full',
    incarnation: 1,
    position,
    basePosition: position,
    learnedToMs: 5000,
    publishedAtMs: 9000,
    bornPosition: 0,
    bornMode: 'cold',
    parent: null,
    learner: JSON.stringify(clickSpec.learner),
    graph: Uint8Array.of(1, 2, 3),
    indices: null,
    weights: bytesOf(weights).slice(),
    means: bytesOf(Float64Array.of(10)),
    invStds: bytesOf(Float64Array.of(0.5)),
    goldenRows: GOLDEN_ROWS,
    goldenScores: GOLDEN_ROWS.map((row) => scoreOf(weights, row)),
    metrics: '{}',
    digest: '',
    chunkIndex: 0,
    chunkCount: 1,
    ...change,
  });
}

/** Returns a sound delta that brings the named full snapshot to these weights. */
export function deltaOf(
  weights: Float32Array<ArrayBuffer>,
  touched: readonly number[],
  change: Partial<Snapshot> & { readonly position: number; readonly basePosition: number },
): Snapshot {
  const indices = Uint32Array.from(touched);
  const values = Float32Array.from(touched, (index) => weights[index] ?? 0);
  return fullOf(weights, {
    kind: 'delta',
    graph: null,
    indices: bytesOf(indices),
    weights: bytesOf(values),
    ...change,
  });
}

/** Returns a sound step that brings the named snapshot to these weights. */
export function stepOf(...[weights, touched, change]: Parameters<typeof deltaOf>): Snapshot {
  return deltaOf(weights, touched, { kind: 'step', ...change });
}

/** Returns the same full snapshot in chunks. */
export function chunksOf(full: Snapshot, chunkCount: number): Snapshot[] {
  const size = Math.ceil(full.weights.length / chunkCount);
  return Array.from({ length: chunkCount }, (_, chunkIndex) =>
    withDigest({
      ...full,
      chunkIndex,
      chunkCount,
      weights: full.weights.slice(chunkIndex * size, (chunkIndex + 1) * size),
    }),
  );
}
