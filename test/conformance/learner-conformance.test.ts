import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { buildOnnxGraph, buildPortableOnnx } from '../../shared/onnx/scoring-graph.ts';
import { VersionLearner } from '../../services/online-learner/domain/version-learner.ts';
import type { FeatureValue, LearnerConfig } from '../../shared/domain/model-spec.ts';
import { streamConfig, streamSpec, syntheticStream } from '../unit/online-learner/synthetic-stream.ts';

/** Every kind of learner, in the configs that differ most: the record makes the compiler ask for a new kind. */
const LEARNERS: Readonly<Record<LearnerConfig['kind'], readonly LearnerConfig[]>> = {
  'ftrl-logistic': [
    streamConfig,
    { ...streamConfig, tableBits: 8, l1: 0, l2: 0, beta: 0, alpha: 1 },
    { ...streamConfig, tableBits: 18, l1: 1 },
  ],
};

const ONNX_TOLERANCE = 1e-5;

function trained(config: LearnerConfig, count: number, seed = 1): VersionLearner {
  return learnOn(VersionLearner.cold(streamSpec, 1, config, 0), count, seed);
}

function learnOn(learner: VersionLearner, count: number, seed: number): VersionLearner {
  for (const { row, label, weight } of syntheticStream(count, seed)) learner.step(row, label, weight);
  return learner;
}

function bytesNow(learner: VersionLearner): Map<string, Uint8Array> {
  return new Map(learner.sections().map((section) => [section.name, section.bytes().slice()]));
}

function restored(learner: VersionLearner): VersionLearner {
  const stored = bytesNow(learner);
  return VersionLearner.restore(streamSpec, learner.identity, (name) => stored.get(name) ?? new Uint8Array());
}

function encodeRows(learner: VersionLearner, rows: readonly (readonly (FeatureValue | undefined)[])[]) {
  const { encoder } = learner;
  const indices = new Int32Array(rows.length * encoder.width);
  const values = new Float32Array(rows.length * encoder.width);
  rows.forEach((row, i) => {
    encoder.encode(row, learner.parameters(), indices, values, i * encoder.width);
  });
  const shape = [rows.length, encoder.width];
  return { indices: new Tensor('int32', indices, shape), values: new Tensor('float32', values, shape) };
}

const anyValue = fc.oneof(
  fc.double(),
  fc.maxSafeInteger(),
  fc.constantFrom(1e15, -1e15, 1.1e15, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, 0, -0),
  fc.string({ unit: 'binary' }),
  fc.boolean(),
  fc.constantFrom(null, undefined),
);

/** Values of which the squares are too small for their sum to be divided by. */
const TINY = [2.222758749485078e-162, 1e-150, 1e-145];

/** Returns an event of which both numeric values are this one. */
function rowOf(value: number) {
  return { row: ['', null, null, value, value], label: 0 as const, weight: 0 };
}

const anyEvent = fc.record({
  row: fc.array(anyValue, { minLength: streamSpec.features.length, maxLength: streamSpec.features.length }),
  label: fc.constantFrom(0, 1),
  weight: fc.oneof(fc.constantFrom(0, 1, 1e6, 1e18, Number.MAX_VALUE), fc.double({ min: 0, noNaN: true })),
});

for (const config of Object.values(LEARNERS).flat()) {
  const learnerName = `${config.kind} of 2^${String(config.tableBits)} weights`;

  test(`${learnerName}: restored from its bytes it predicts identically and goes on bit-identically`, () => {
    const learner = trained(config, 500);
    const copy = restored(learner);
    for (const { row } of syntheticStream(100, 2)) assert.equal(copy.predict(row), learner.predict(row));
    assert.deepEqual(bytesNow(learnOn(copy, 500, 3)), bytesNow(learnOn(learner, 500, 3)));
  });

  test(`${learnerName}: the same seed and stream give the same bytes, another stream others`, () => {
    assert.deepEqual(bytesNow(trained(config, 500)), bytesNow(trained(config, 500)));
    assert.notDeepEqual(bytesNow(trained(config, 500, 2)), bytesNow(trained(config, 500)));
  });

  test(`${learnerName}: the row that it learns from is left as it was`, () => {
    const learner = trained(config, 10);
    for (const { row, label, weight } of syntheticStream(100, 2)) {
      const frozen = Object.freeze([...row]);
      learner.step(frozen, label, weight);
      assert.deepEqual(frozen, row);
    }
  });

  test(`${learnerName}: a row of values never seen, or of none, has a score`, () => {
    for (const learner of [trained(config, 0), trained(config, 500)]) {
      for (const row of [['new', 'new', null, null, null], [null, null, null, null, null], []]) {
        const score = learner.predict(row);
        assert.ok(score > 0 && score < 1, String(score));
        assert.equal(learner.step(row, 1, 1).score, score);
      }
    }
  });

  test(`${learnerName}: no input makes a score or a parameter anything but a finite number`, () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), fc.nat(200), (events, before) => {
        const learner = trained({ ...config, tableBits: 8 }, before);
        for (const { row, label, weight } of events) {
          const { score } = learner.step(row, label, weight);
          assert.ok(score >= 0 && score <= 1, String(score));
        }
        const { weights, means, invStds } = learner.parameters();
        for (const array of [weights, means, invStds]) assert.ok(array.every(Number.isFinite));
        assert.equal(learner.examplesLearned + learner.screened, before + events.length);
      }),
      {
        examples: TINY.map((value) => [[rowOf(value), rowOf(0)], 0] as [ReturnType<typeof rowOf>[], number]),
      },
    );
  });

  test(`${learnerName}: it learns: its progressive log-loss is clearly below that of the base rate`, () => {
    const { logLoss, recentLogLoss, baseRateLogLoss } = trained(config, 20_000).metrics.summary();
    assert.ok(logLoss < 0.85 * baseRateLogLoss, `${String(logLoss)} of ${String(baseRateLogLoss)}`);
    assert.ok(recentLogLoss < 0.85 * baseRateLogLoss, String(recentLogLoss));
  });

  test(`${learnerName}: a copy and its parent learn without each other`, () => {
    const parent = trained(config, 300);
    const copy = parent.fork(2, config, 300);
    const parentBefore = bytesNow(parent);
    learnOn(copy, 300, 2);
    assert.deepEqual(bytesNow(parent), parentBefore);
    const copyBefore = bytesNow(copy);
    learnOn(parent, 300, 2);
    assert.deepEqual(bytesNow(copy), copyBefore);
    assert.deepEqual(copy.parameters(), parent.parameters());
  });

  test(`${learnerName}: its ONNX graph scores as it does, with parameters as input and embedded`, async () => {
    const learner = trained(config, 2000);
    const rows = [
      ...syntheticStream(490, 5).map(({ row }) => row),
      ...fc.sample(anyEvent, { numRuns: 10, seed: 1 }).map(({ row }) => row),
    ];
    const expected = rows.map((row) => learner.predict(row));
    const { weights } = learner.parameters();
    const inputs = encodeRows(learner, rows);
    const { width } = learner.encoder;
    const open = await InferenceSession.create(buildOnnxGraph(config, width));
    const portable = await InferenceSession.create(buildPortableOnnx(config, width, weights));
    const outputs = [
      await open.run({ ...inputs, weights: new Tensor('float32', weights, [weights.length]) }),
      await portable.run({ ...inputs }),
    ];
    for (const { scores } of outputs) {
      assert.deepEqual(scores?.dims, [rows.length]);
      expected.forEach((score, i) => {
        const found = Number(scores.data[i]);
        assert.ok(
          Math.abs(found - score) <= ONNX_TOLERANCE,
          `row ${String(i)}: ${String(found)}, expected ${String(score)}`,
        );
      });
    }
    await Promise.all([open.release(), portable.release()]);
  });
}
