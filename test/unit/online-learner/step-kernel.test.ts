import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FENCES } from '../../../services/online-learner/domain/screening.ts';
import {
  KERNEL_ROWS_MAX,
  STEP_RESULT,
  StepKernel,
} from '../../../services/online-learner/domain/step-kernel.ts';
import { listBits } from '../../../services/online-learner/domain/touched-coordinates.ts';
import type { RowSpec } from '../../../services/online-learner/domain/version-learner.ts';
import type { FeatureValue, FtrlLogisticConfig } from '../../../shared/domain/model-spec.ts';
import { RowHasher } from '../../../shared/domain/row-hasher.ts';
import { ReferenceLearner } from '../../support/reference-learner/reference-learner.ts';

interface Example {
  readonly row: readonly (FeatureValue | undefined)[];
  readonly label: number;
  readonly weight: number;
}

const spec: RowSpec = {
  features: [
    { name: 'shop', type: 'categorical' },
    { name: 'amount', type: 'numeric' },
    { name: 'isNew', type: 'boolean' },
    { name: 'city', type: 'categorical' },
    { name: 'hour', type: 'numeric' },
  ],
  crosses: [
    ['shop', 'isNew'],
    ['city', 'shop'],
  ],
};

/** Mostly ordinary, some missing, some far out. */
const amount = fc.oneof(
  { weight: 20, arbitrary: fc.double({ min: -100, max: 100, noNaN: true }) },
  { weight: 2, arbitrary: fc.constantFrom(null, undefined, 0, -0) },
  { weight: 1, arbitrary: fc.constantFrom(1e9, -1e14, 1e16, NaN, -Infinity, 5e-324) },
);
// Many values in a table of 257 weights: coordinates often repeat within a row.
const name = fc.option(fc.nat(400).map(String), { nil: null, freq: 9 });

const example: fc.Arbitrary<Example> = fc.record({
  row: fc.tuple(name, amount, fc.option(fc.boolean(), { nil: null }), name, amount),
  label: fc.oneof({ weight: 30, arbitrary: fc.constantFrom(0, 1) }, fc.constantFrom(0.5, NaN, -1)),
  weight: fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(1, 1, 1, 2, 0.25, 1000) },
    fc.constantFrom(0, -0, -1, NaN, Infinity, 1e30, 1e150),
  ),
});

const rate = fc.double({ min: 0, max: 3, noNaN: true });
const config: fc.Arbitrary<FtrlLogisticConfig> = fc.record({
  kind: fc.constant('ftrl-logistic' as const),
  tableBits: fc.constantFrom(8, 12),
  alpha: fc.double({ min: 0.01, max: 2, noNaN: true }),
  beta: rate,
  l1: fc.oneof(fc.constant(0), rate),
  l2: rate,
});

function kernelOf(rates: FtrlLogisticConfig): StepKernel {
  const kernel = new StepKernel(spec.features, spec.crosses.length, rates.tableBits);
  kernel.setRates(rates);
  return kernel;
}

function isNear(a: number, b: number): boolean {
  return Object.is(a, b) || Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b));
}

/** Everything that a kernel keeps, copied. */
function stateOf(kernel: StepKernel): Record<string, unknown> {
  const { weights, sums, scaler, invStds, metrics, fence, counters, touchedBits } = kernel;
  const arrays = { weights, sums, scaler, invStds, metrics, fence, counters, touchedBits };
  const copies = Object.entries(arrays).map(([key, array]) => [key, array.slice()]);
  return { ...(Object.fromEntries(copies) as object), touched: kernel.touchedCount };
}

test('it scores, screens and learns as the plain reference does, bit for bit', () => {
  let learned = 0;
  const past = new Set<string>();
  const streams = fc.array(example, { minLength: 150, maxLength: 400 });
  fc.assert(
    fc.property(config, streams, (rates, examples) => {
      const kernel = kernelOf(rates);
      const reference = new ReferenceLearner(spec, rates, (x) => kernel.exp(x));
      const hasher = new RowHasher(spec.features, spec.crosses);
      for (const { row, label, weight } of examples) {
        hasher.setRow(row);
        const expected = reference.step(hasher.row, label, weight);
        kernel.writeRow(hasher.row, label, weight);
        kernel.step(1);
        const result = kernel.resultOf(0);
        assert.ok(Object.is(kernel.scoreOf(0), expected.score));
        assert.equal(result === STEP_RESULT.learned ? undefined : FENCES[result - 1], expected.past);
        past.add(expected.past ?? 'none');
      }
      learned += reference.learned;
      const { ftrl, scaler, fence, metricSums } = reference;
      assert.deepEqual(kernel.weights, ftrl.w);
      assert.deepEqual(
        kernel.sums,
        Float32Array.from(
          { length: 2 * ftrl.z.length },
          (_, i) => (i % 2 === 0 ? ftrl.z : ftrl.n)[i >> 1] ?? NaN,
        ),
      );
      assert.deepEqual(kernel.scaler, Float64Array.of(...scaler.counts, ...scaler.means, ...scaler.squares));
      assert.deepEqual(kernel.invStds, scaler.invStds);
      assert.deepEqual(kernel.fence, fence.state);
      // Two logarithms of the same number may differ in the last bit.
      metricSums.forEach((sum, place) => {
        assert.ok(isNear(kernel.metrics[place] ?? NaN, sum), `metric ${String(place)}`);
      });
      assert.deepEqual([...kernel.counters], [reference.learned, reference.screened]);
      const touched = [...ftrl.n.keys()].filter((i) => (ftrl.n[i] ?? 0) !== 0);
      const listed = new Set(listBits(kernel.touchedBits, kernel.touchedCount));
      assert.ok(touched.every((i) => listed.has(i)));
    }),
    { numRuns: 60 },
  );
  assert.deepEqual([...past].sort(), ['leverage', 'none', 'target', 'update', 'value'], 'all of it was met');
  assert.ok(learned > 1000);
});

test('its exponential function is the exponential function, to the last bit but one', () => {
  const kernel = kernelOf({ kind: 'ftrl-logistic', tableBits: 8, alpha: 1, beta: 1, l1: 0, l2: 0 });
  fc.assert(
    fc.property(fc.double({ min: -745, max: 709, noNaN: true }), (x) => {
      assert.ok(Math.abs(kernel.exp(x) / Math.exp(x) - 1) < 3 * Number.EPSILON || Math.exp(x) < 1e-300);
    }),
  );
  for (const x of [0, -0, 1000, -1000, Infinity, -Infinity, NaN]) assert.equal(kernel.exp(x), Math.exp(x));
});

test('rows in one call come to the same as one after the other', () => {
  const streams = fc.array(example, { minLength: 50, maxLength: 300 });
  fc.assert(
    fc.property(config, streams, fc.integer({ min: 2, max: KERNEL_ROWS_MAX }), (rates, examples, size) => {
      const [single, many] = [kernelOf(rates), kernelOf(rates)];
      const hasher = new RowHasher(spec.features, spec.crosses);
      for (let from = 0; from < examples.length; from += size) {
        const batch = examples.slice(from, from + size);
        const scores = batch.map(({ row, label, weight }, place) => {
          hasher.setRow(row);
          single.writeRow(hasher.row, label, weight);
          many.rows.set(single.rows.subarray(0, single.rowBytes), place * many.rowBytes);
          single.step(1);
          return [single.scoreOf(0), single.resultOf(0)];
        });
        many.step(batch.length);
        assert.deepEqual(
          batch.map((_, place) => [many.scoreOf(place), many.resultOf(place)]),
          scores,
        );
      }
      assert.deepEqual(stateOf(many), stateOf(single));
    }),
    { numRuns: 30 },
  );
});

test('a prediction changes nothing and is the score that the step gives', () => {
  fc.assert(
    fc.property(config, fc.array(example, { minLength: 20, maxLength: 60 }), (rates, examples) => {
      const kernel = kernelOf(rates);
      const hasher = new RowHasher(spec.features, spec.crosses);
      for (const { row, label, weight } of examples) {
        hasher.setRow(row);
        kernel.writeRow(hasher.row, label, weight);
        const before = stateOf(kernel);
        const score = kernel.predict();
        assert.deepEqual(stateOf(kernel), before);
        kernel.step(1);
        assert.ok(Object.is(kernel.scoreOf(0), score));
      }
    }),
    { numRuns: 10 },
  );
});

test('it lists what was touched since it was told to forget, and marks the pages that changed', () => {
  const kernel = kernelOf({ kind: 'ftrl-logistic', tableBits: 16, alpha: 0.1, beta: 1, l1: 0, l2: 0 });
  const hasher = new RowHasher(spec.features, spec.crosses);
  const learn = (row: readonly (FeatureValue | undefined)[]): number[] => {
    hasher.setRow(row);
    kernel.writeRow(hasher.row, 1, 1);
    kernel.step(1);
    const mask = 2 ** 16 - 1;
    return [...hasher.row.hashes].filter((_, k) => hasher.row.present[k] === 1).map((hash) => hash & mask);
  };
  const listed = (): number[] => [...listBits(kernel.touchedBits, kernel.touchedCount)];
  const ascending = (indices: Iterable<number>): number[] => [...new Set(indices)].sort((a, b) => a - b);

  learn(['a', null, true, 'b', null]);
  kernel.forgetTouched();
  assert.deepEqual(listed(), []);
  kernel.weightPages.fill(0);
  kernel.sumPages.fill(0);
  const indices = [...learn(['c', null, false, 'd', null]), ...learn(['e', null, false, 'd', null]), 2 ** 16];
  assert.deepEqual(listed(), ascending(indices));
  const marked = (pages: Uint8Array): number[] => [...pages.keys()].filter((page) => pages[page] === 1);
  assert.deepEqual(marked(kernel.weightPages), ascending(indices.map((i) => i >> 12)));
  assert.deepEqual(marked(kernel.sumPages), ascending(indices.map((i) => i >> 11)));
});
