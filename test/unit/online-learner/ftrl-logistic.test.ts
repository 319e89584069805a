import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FtrlLogistic } from '../../support/reference-learner/ftrl-logistic.ts';
import type { FtrlLogisticConfig } from '../../../shared/domain/model-spec.ts';
import { createRng } from '../../../shared/domain/rng.ts';
import { FtrlReference } from './ftrl-reference.ts';

const config: FtrlLogisticConfig = {
  kind: 'ftrl-logistic',
  tableBits: 8,
  alpha: 0.2,
  beta: 1,
  l1: 0.3,
  l2: 0.5,
};
const WIDTH = 5;
const BIAS = 256;

interface Example {
  readonly indices: Int32Array;
  readonly values: Float32Array;
  readonly label: number;
  readonly weight: number;
}

/** Examples over 40 coordinates, so that indices often repeat within a row. */
function examples(count: number, seed: number): readonly Example[] {
  const rng = createRng(seed);
  return Array.from({ length: count }, () => {
    const indices = Int32Array.from({ length: WIDTH }, (_, k) => (k === WIDTH - 1 ? BIAS : rng.int(40)));
    const values = Float32Array.from(indices, (_, k) => (k === WIDTH - 1 ? 1 : rng.int(5) - 2));
    const evidence = indices.reduce((sum, i, k) => sum + (i % 3) * (values[k] ?? 0), -1);
    return { indices, values, label: evidence + rng.next() > 0 ? 1 : 0, weight: 1 + rng.int(3) };
  });
}

function learn(ftrl: FtrlLogistic, { indices, values, label, weight }: Example): number {
  return ftrl.learn(indices, values, (ftrl.predict(indices, values) - label) * weight);
}

function merged({ indices, values }: Example): Map<number, number> {
  const x = new Map<number, number>();
  indices.forEach((i, k) => x.set(i, (x.get(i) ?? 0) + (values[k] ?? 0)));
  return x;
}

function stateOf(ftrl: FtrlLogistic): readonly Float32Array[] {
  return [ftrl.w.slice(), ftrl.z.slice(), ftrl.n.slice()];
}

test('it learns what the published algorithm learns, repeated indices summed', () => {
  const ftrl = new FtrlLogistic(config);
  const reference = new FtrlReference(config);
  for (const example of examples(2000, 1)) {
    const expected = reference.predict(merged(example));
    assert.ok(Math.abs(ftrl.predict(example.indices, example.values) - expected) < 1e-4);
    assert.equal(learn(ftrl, example), -1);
    reference.learn(merged(example), example.label, example.weight);
  }
  ftrl.w.forEach((w, i) => {
    assert.ok(Math.abs(w - reference.weight(i)) < 1e-3, `weight ${String(i)}`);
  });
});

test('a weight is exactly 0 until its evidence passes L1, the bias is not', () => {
  const ftrl = new FtrlLogistic({ ...config, l1: 10 });
  for (let i = 0; i < 10; i++) ftrl.learn(Int32Array.of(3, BIAS), Float32Array.of(1, 1), -0.5);
  assert.equal(ftrl.w[3], 0);
  assert.ok((ftrl.w[BIAS] ?? 0) > 0);
});

test('an event weight is a factor of the gradient', () => {
  const [weighted, doubled] = [new FtrlLogistic(config), new FtrlLogistic(config)];
  const [example] = examples(1, 2);
  assert.ok(example);
  learn(weighted, { ...example, weight: 4 });
  doubled.learn(example.indices, example.values, (0.5 - example.label) * 4);
  assert.deepEqual(stateOf(weighted), stateOf(doubled));
});

test('slots of value 0 are not learned', () => {
  const ftrl = new FtrlLogistic(config);
  ftrl.learn(Int32Array.of(1, 2, BIAS), Float32Array.of(0, 1, 0), 0.5);
  assert.deepEqual([ftrl.z[1], ftrl.z[BIAS]], [0, 0]);
});

test('an update that would not be finite names its slot and changes nothing', () => {
  const ftrl = new FtrlLogistic(config);
  const indices = Int32Array.of(1, 2, BIAS);
  ftrl.learn(indices, Float32Array.of(1, 1, 1), 0.5);
  const before = stateOf(ftrl);
  assert.equal(ftrl.learn(indices, Float32Array.of(0, 100, 1), 1e18), 1);
  for (const gradient of [NaN, Infinity, -1e30]) {
    assert.equal(ftrl.learn(indices, Float32Array.of(1, 1, 1), gradient), 0);
  }
  assert.deepEqual(stateOf(ftrl), before);
});

test('gradients that underflow leave the weight finite, whatever the rates', () => {
  const ftrl = new FtrlLogistic({ ...config, beta: 0, l1: 0, l2: 0 });
  for (const gradient of [1e-30, 1e-23, 1e-20, -1e-22, 1e-3]) {
    assert.equal(ftrl.learn(Int32Array.of(1), Float32Array.of(1), gradient), -1);
    assert.ok(Number.isFinite(ftrl.w[1]));
  }
});
