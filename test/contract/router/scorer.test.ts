import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeOnnxModel, onnxNode } from '../../../shared/onnx/onnx-schema.ts';
import { buildOnnxGraph, SCORING_OPERATORS } from '../../../shared/onnx/scoring-graph.ts';
import { operatorsOf } from '../../../shared/onnx/inspect-onnx.ts';
import { HOSTILE_FILES } from '../../support/onnx-files.ts';
import { VersionLearner } from '../../../services/online-learner/domain/version-learner.ts';
import { createLinearScorers } from '../../../services/router/adapters/linear-scorer.ts';
import { createOnnxScorers } from '../../../services/router/adapters/onnx-scorer.ts';
import type { OpenScorer, RowBatch, ScoredRows, Scorer } from '../../../services/router/ports.ts';
import { createFakeScorers } from '../../unit/router/fake-scorer.ts';
import { createRng } from '../../../shared/domain/rng.ts';
import { streamConfig, streamSpec, syntheticStream } from '../../unit/online-learner/synthetic-stream.ts';

const TOLERANCE = 1e-6;
const WIDTH = 3;
const GRAPH = buildOnnxGraph({ ...streamConfig, tableBits: 8 }, WIDTH);
const SIZE = 2 ** 8 + 1;

const openOnnxScorer = createOnnxScorers(() => performance.now());

const IMPLEMENTATIONS: Readonly<Record<string, OpenScorer>> = {
  fake: createFakeScorers().open,
  onnx: openOnnxScorer,
  linear: createLinearScorers(openOnnxScorer, () => performance.now()),
};

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

function batch(rows: readonly (readonly [number, number])[][]): RowBatch {
  const pairs = rows.flat();
  return {
    indices: Int32Array.from(pairs, ([index]) => index),
    values: Float32Array.from(pairs, ([, value]) => value),
    rows: rows.length,
  };
}

const ONE_ROW = batch([
  [
    [0, 1],
    [1, 2],
    [SIZE - 1, 1],
  ],
]);

function weightsWith(values: Readonly<Record<number, number>>): Float32Array {
  const weights = new Float32Array(SIZE);
  for (const [index, value] of Object.entries(values)) weights[Number(index)] = value;
  return weights;
}

function assertScores({ scores: found }: ScoredRows, expected: readonly number[]): void {
  assert.equal(found.length, expected.length);
  expected.forEach((score, row) => {
    assert.ok(
      Math.abs((found[row] ?? NaN) - score) <= TOLERANCE,
      `row ${String(row)}: ${String(found[row])}, expected ${String(score)}`,
    );
  });
}

for (const [name, open] of Object.entries(IMPLEMENTATIONS)) {
  async function withScorer(use: (scorer: Scorer) => Promise<void>): Promise<void> {
    const scorer = await open(GRAPH, WIDTH);
    try {
      await use(scorer);
    } finally {
      await scorer.close();
    }
  }

  test(`${name}: a score is the sigmoid of the sum of weights times values`, () =>
    withScorer(async (scorer) => {
      const scores = await scorer.score(ONE_ROW, weightsWith({ 0: 0.5, 1: -0.25, [SIZE - 1]: 1 }));
      assertScores(scores, [sigmoid(0.5 - 0.5 + 1)]);
    }));

  test(`${name}: rows of one batch are scored each by itself`, () =>
    withScorer(async (scorer) => {
      const rows = batch([
        [
          [0, 1],
          [0, 1],
          [SIZE - 1, 1],
        ],
        [
          [1, 3],
          [2, 0],
          [SIZE - 1, 1],
        ],
        [
          [SIZE - 1, 0],
          [SIZE - 1, 0],
          [SIZE - 1, 1],
        ],
      ]);
      const scores = await scorer.score(rows, weightsWith({ 0: 1, 1: -1, 2: 7, [SIZE - 1]: 0.5 }));
      assertScores(scores, [sigmoid(2.5), sigmoid(-2.5), sigmoid(0.5)]);
    }));

  test(`${name}: a patch in place is seen by the next run`, () =>
    withScorer(async (scorer) => {
      const weights = weightsWith({ 0: 1 });
      assertScores(await scorer.score(ONE_ROW, weights), [sigmoid(1)]);
      weights[0] = -2;
      assertScores(await scorer.score(ONE_ROW, weights), [sigmoid(-2)]);
    }));

  test(`${name}: other weights are seen by the next run, and the ones before when they come back`, () =>
    withScorer(async (scorer) => {
      const [one, other] = [weightsWith({ 0: 1 }), weightsWith({ 0: 2 })];
      for (const [weights, logit] of [
        [one, 1],
        [other, 2],
        [one, 1],
      ] as const) {
        assertScores(await scorer.score(ONE_ROW, weights), [sigmoid(logit)]);
      }
    }));

  // A scorer that answers at once cannot be meddled with.
  if (name !== 'linear')
    test(`${name}: the weights and rows that count are those at the end of the call, not at its beginning`, () =>
      withScorer(async (scorer) => {
        const weights = weightsWith({ 0: 1 });
        const scores = scorer.score(ONE_ROW, weights);
        weights[0] = 3;
        assertScores(await scores, [sigmoid(3)]);
      }));

  test(`${name}: a weight that is no number makes a score that is none`, () =>
    withScorer(async (scorer) => {
      const { scores } = await scorer.score(ONE_ROW, weightsWith({ 0: NaN }));
      assert.ok(Number.isNaN(scores[0]));
    }));

  test(`${name}: a run says how long it took`, () =>
    withScorer(async (scorer) => {
      const { durationMs } = await scorer.score(ONE_ROW, weightsWith({}));
      assert.ok(durationMs >= 0 && Number.isFinite(durationMs), String(durationMs));
    }));

  test(`${name}: scores lie in [0, 1] at the ends, too`, () =>
    withScorer(async (scorer) => {
      assertScores(await scorer.score(ONE_ROW, weightsWith({ 0: 1e30 })), [1]);
      assertScores(await scorer.score(ONE_ROW, weightsWith({ 0: -1e30 })), [0]);
    }));

  test(`${name}: scores of a run stay what they are when the next one has run`, () =>
    withScorer(async (scorer) => {
      const first = await scorer.score(ONE_ROW, weightsWith({ 0: 1 }));
      await scorer.score(ONE_ROW, weightsWith({ 0: 5 }));
      assertScores(first, [sigmoid(1)]);
    }));

  test(`${name}: it scores as a trained learner does`, async () => {
    const learner = VersionLearner.cold(streamSpec, 1, streamConfig, 0);
    for (const { row, label, weight } of syntheticStream(500)) learner.step(row, label, weight);
    const { width } = learner.encoder;
    const rows = syntheticStream(50, 2).map(({ row }) => row);
    const indices = new Int32Array(rows.length * width);
    const values = new Float32Array(rows.length * width);
    const { weights, ...scaling } = learner.parameters();
    rows.forEach((row, i) => {
      learner.encoder.encode(row, scaling, indices, values, i * width);
    });
    const scorer = await open(buildOnnxGraph(streamConfig, width), width);
    assertScores(
      await scorer.score({ indices, values, rows: rows.length }, weights),
      rows.map((row) => learner.predict(row)),
    );
    await scorer.close();
  });

  test(`${name}: a graph without bytes is refused`, async () => {
    await assert.rejects(open(new Uint8Array(), WIDTH));
  });
}

test('onnx: bytes that are no model are refused', async () => {
  await assert.rejects(openOnnxScorer(Uint8Array.of(1, 2, 3), WIDTH));
});

test('onnx: a graph for rows of another width is refused', async () => {
  await assert.rejects(
    openOnnxScorer(GRAPH, WIDTH + 1),
    /width 3, allowed indices, values, weights of width 4/,
  );
});

test('the graphs of learners use the operators that are allowed in a router’s process, all of them', () => {
  assert.deepEqual(new Set(operatorsOf(GRAPH)), SCORING_OPERATORS);
});

test('onnx: a graph that could run for ever, or with an operator that no learner’s graph has, is refused', async () => {
  const endless = HOSTILE_FILES['no end']?.() ?? new Uint8Array();
  await assert.rejects(
    openOnnxScorer(endless, WIDTH),
    /graph uses (MatMul|Loop), allowed in this process Gather/,
  );
  for (const operator of ['Loop', 'Expand', 'If', 'Scan', 'Identity']) {
    const graph = encodeOnnxModel({
      name: 'other',
      node: [onnxNode(operator, { inputs: ['weights'], output: 'scores' })],
    });
    await assert.rejects(openOnnxScorer(graph, WIDTH), new RegExp(`graph uses ${operator}`));
  }
});

test('onnx: weights of another size than the graph’s are refused by the run', async () => {
  const scorer = await openOnnxScorer(GRAPH, WIDTH);
  await assert.rejects(async () => scorer.score(ONE_ROW, new Float32Array(5)));
  await scorer.close();
});

test('onnx: a graph whose bytes lie within a larger buffer is read from where it begins', async () => {
  const larger = new Uint8Array(GRAPH.length + 20);
  larger.set(GRAPH, 7);
  const scorer = await openOnnxScorer(larger.subarray(7, 7 + GRAPH.length), WIDTH);
  assertScores(await scorer.score(ONE_ROW, weightsWith({ 0: 1 })), [sigmoid(1)]);
  await scorer.close();
});

test('onnx: the time for which a run waits for its turn is not its own', async () => {
  let nowMs = 0;
  const scorer = await createOnnxScorers(() => nowMs)(GRAPH, WIDTH);
  const scoring = scorer.score(ONE_ROW, weightsWith({}));
  nowMs = 1000;
  assert.equal((await scoring).durationMs, 0);
  await scorer.close();
});

test('linear: every score has the very bits of ONNX Runtime, in runs of any size and rows of any width', async () => {
  const rng = createRng(7);
  let opened = 0;
  const openLinear = createLinearScorers(
    (graph, width) => {
      opened += 1;
      return openOnnxScorer(graph, width);
    },
    () => 0,
  );
  for (let width = 1; width <= 40; width++) {
    const graph = buildOnnxGraph({ ...streamConfig, tableBits: 8 }, width);
    const [linear, onnx] = [await openLinear(graph, width), await openOnnxScorer(graph, width)];
    assert.equal(opened, width, 'the reference is opened once a shape, to be compared with');
    for (const scale of [0.01, 1, 20]) {
      const rows = 1 + rng.int(300);
      const weights = Float32Array.from({ length: SIZE }, () => scale * (rng.next() - 0.5));
      const indices = Int32Array.from({ length: rows * width }, () => rng.int(SIZE));
      const values = Float32Array.from(indices, () => (rng.int(2) === 0 ? 1 : 200 * (rng.next() - 0.5)));
      const scored = await linear.score({ indices, values, rows }, weights);
      const expected = await onnx.score({ indices, values, rows }, weights);
      assert.deepEqual(scored.scores, expected.scores, `width ${String(width)}, ${String(rows)} rows`);
    }
    await onnx.close();
  }
});

test('linear: a graph that is not byte for byte ours, or that scores otherwise, is left to ONNX Runtime', async () => {
  const other = buildOnnxGraph({ ...streamConfig, tableBits: 8 }, WIDTH).slice();
  const producer = Buffer.from(other).indexOf('headrace');
  other[producer] = 'H'.charCodeAt(0);
  let asked = 0;
  const openCounted: OpenScorer = (graph, width) => {
    asked += 1;
    return openOnnxScorer(graph, width);
  };
  const foreign = await createLinearScorers(openCounted, () => 0)(other, WIDTH);
  assert.ok(foreign.score(ONE_ROW, weightsWith({})) instanceof Promise);
  assert.equal(asked, 1);
  const openLying: OpenScorer = async (graph, width) => {
    const scorer = await openCounted(graph, width);
    return {
      ...scorer,
      score: async (rows, weights) => {
        const scored = await scorer.score(rows, weights);
        return { ...scored, scores: Float32Array.from(scored.scores, (score) => score + 1e-7) };
      },
    };
  };
  const unlike = await createLinearScorers(openLying, () => 0)(GRAPH, WIDTH);
  assert.ok(unlike.score(ONE_ROW, weightsWith({})) instanceof Promise);
});
