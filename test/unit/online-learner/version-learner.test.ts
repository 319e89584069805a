import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VersionLearner } from '../../../services/online-learner/domain/version-learner.ts';
import { streamConfig, streamSpec, syntheticStream } from './synthetic-stream.ts';

function trained(count: number): VersionLearner {
  const learner = VersionLearner.cold(streamSpec, 1, streamConfig, 0);
  for (const { row, label, weight } of syntheticStream(count)) learner.step(row, label, weight);
  return learner;
}

/** The sections' bytes, named without the version, but for the one left out. */
function bytesNow(learner: VersionLearner, leftOut = ''): Record<string, Uint8Array> {
  const named = learner
    .sections()
    .map((section) => [section.name.replace(/^v\d+\//, ''), section.bytes().slice()] as const);
  return Object.fromEntries(named.filter(([name]) => name !== leftOut));
}

test('a step answers what predict answers before it', () => {
  const learner = VersionLearner.cold(streamSpec, 1, streamConfig, 0);
  for (const { row, label, weight } of syntheticStream(300)) {
    const expected = learner.predict(row);
    assert.equal(learner.step(row, label, weight).score, expected);
  }
  assert.equal(learner.examplesLearned, 300);
  assert.equal(learner.metrics.summary().examples, 300);
});

test('predicting changes nothing', () => {
  const learner = trained(200);
  const before = bytesNow(learner);
  learner.predict(['shop-1', null, true, 1e300, NaN]);
  assert.deepEqual(bytesNow(learner), before);
});

test('a screened example is scored, counted and otherwise leaves everything as it was', () => {
  const learner = trained(200);
  const before = bytesNow(learner, 'counters');
  const far = ['shop-1', 'c1', true, 1e9, 1] as const;
  const cases = [
    [far, 1, 1, /feature amount: value 1000000000 is .* standard deviations/],
    [['shop-1', 'c1', true, 2e15, 1], 1, 1, /feature amount: value 2000000000000000, allowed/],
    [['shop-1', 'c1', true, 500, 1], 0.5, 1, /label 0.5/],
    [['shop-1', 'c1', true, 500, 1], 1, -1, /weight -1/],
    [['shop-1', 'c1', true, 500, 1], 1, 1e30, /weight 1e\+30 gives it leverage/],
  ] as const;
  for (const [row, label, weight, reason] of cases) {
    const { score, screened } = learner.step(row, label, weight);
    assert.match(screened ?? '', reason);
    assert.ok(score >= 0 && score <= 1);
  }
  assert.deepEqual(bytesNow(learner, 'counters'), before);
  assert.deepEqual([learner.examplesLearned, learner.screened], [200, cases.length]);
});

test('a copy carries all that was learned and starts its own metrics', () => {
  const parent = trained(500);
  const copy = parent.fork(2, { ...streamConfig, alpha: 0.01 }, 77);
  assert.deepEqual(copy.identity, {
    version: 2,
    config: { ...streamConfig, alpha: 0.01 },
    born: { position: 77, mode: 'copy', parent: 1 },
  });
  for (const { row } of syntheticStream(100, 9)) assert.equal(copy.predict(row), parent.predict(row));
  assert.deepEqual([copy.examplesLearned, copy.screened, copy.metrics.summary().examples], [500, 0, 0]);
});

test('a copy under the same config has the same parameters, optimiser and scalers', () => {
  const parent = trained(500);
  assert.deepEqual(bytesNow(parent.fork(2, streamConfig, 500), 'metrics'), bytesNow(parent, 'metrics'));
});

test('a copy under other rates keeps its weights, and would derive them from its own sums', () => {
  const parent = trained(500);
  const weights = parent.parameters().weights.slice();
  for (const changed of [{ alpha: 0.5 }, { l1: 0 }, { l1: 2 }, { l2: 9 }, { beta: 0.1 }, {}]) {
    const copy = parent.fork(2, { ...streamConfig, ...changed }, 500);
    assert.deepEqual(copy.parameters().weights, weights);
    // A weight of next to nothing makes it derive the weights of the rows anew.
    for (const { row, label } of syntheticStream(500)) copy.step(row, label, 1e-12);
    copy.parameters().weights.forEach((weight, i) => {
      assert.ok(Math.abs(weight - (weights[i] ?? NaN)) < 1e-5, JSON.stringify({ changed, i }));
    });
  }
  assert.deepEqual(parent.parameters().weights, weights);
});

test('a copy into another table is refused', () => {
  assert.throws(() => trained(1).fork(2, { ...streamConfig, tableBits: 13 }, 1), RangeError);
});

test('published parameters patched at the touched indices become the present ones', () => {
  const learner = trained(200);
  const published = learner.parameters().weights.slice();
  learner.resetTouched();
  for (const { row, label, weight } of syntheticStream(50, 2)) learner.step(row, label, weight);
  const first = learner.takeTouched();
  for (const { row, label, weight } of syntheticStream(50, 3)) learner.step(row, label, weight);
  const touched = learner.takeTouched();
  assert.ok(touched.length > first.length);
  assert.ok(touched.length < published.length / 4);
  for (const index of touched) published[index] = learner.parameters().weights[index] ?? NaN;
  assert.deepEqual(published, learner.parameters().weights);
});

test('scores can be computed again from the published parameters', () => {
  const learner = trained(300);
  const { weights, ...scaling } = learner.parameters();
  const { encoder } = learner;
  const indices = new Int32Array(encoder.width);
  const values = new Float32Array(encoder.width);
  for (const { row } of syntheticStream(50, 4)) {
    encoder.encode(row, scaling, indices, values, 0);
    const logit = indices.reduce((sum, index, k) => sum + (weights[index] ?? 0) * (values[k] ?? 0), 0);
    assert.ok(Math.abs(learner.predict(row) - 1 / (1 + Math.exp(-logit))) <= Number.EPSILON);
  }
});
