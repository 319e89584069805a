import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Snapshot } from '../../../shared/domain/events.ts';
import { PATCHED_IN_PLACE_MAX } from '../../../services/router/domain/parameters.ts';
import { createWorld } from './router-world.ts';
import { clickSpec, deltaOf, fullOf } from './snapshot-records.ts';
import { DELTA_KEY, KEY, scoredBy } from './version-world.ts';

const TABLE_BITS = 16;
const SIZE = 2 ** TABLE_BITS + 1;
const BIAS = SIZE - 1;
const LEARNER = { ...clickSpec.learner, tableBits: TABLE_BITS };

const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));

/** Returns what a snapshot with nothing but a bias brings along. */
function biased(bias: number): { weights: Float32Array<ArrayBuffer>; change: Partial<Snapshot> } {
  const weights = new Float32Array(SIZE);
  weights[BIAS] = bias;
  const goldenRows = [[null, null, null]];
  return { weights, change: { learner: JSON.stringify(LEARNER), goldenRows, goldenScores: [sigmoid(bias)] } };
}

test('a patch too large to be put in place is put into a copy between answers, which take the old weights until it is whole', async () => {
  const world = createWorld({ spec: { learner: LEARNER } });
  const first = biased(0.5);
  world.versions.take(KEY, fullOf(first.weights, first.change));
  await world.settle();

  const touched = [...Array.from({ length: 2 * PATCHED_IN_PLACE_MAX }, (_, index) => index), BIAS];
  const place = { position: 110, basePosition: 100 };
  const second = biased(0.9);
  world.versions.take(DELTA_KEY, deltaOf(second.weights, touched, { ...second.change, ...place }));
  const meanwhile: number[] = [];
  for (let asked = 0; asked < 40; asked += 1) {
    const answer = await scoredBy(world);
    assert.notEqual(answer, 'failed');
    if (answer === 'failed') return;
    meanwhile.push(answer.position);
    assert.ok(Math.abs(answer.score - sigmoid(answer.position === 100 ? 0.5 : 0.9)) < 1e-6);
  }
  assert.ok(meanwhile.filter((position) => position === 100).length > 3, String(meanwhile));
  assert.equal(meanwhile.at(-1), 110);

  const third = biased(-0.5);
  const next = { position: 120, basePosition: 100 };
  world.versions.take(DELTA_KEY, deltaOf(third.weights, touched, { ...third.change, ...next }));
  await world.settle();
  assert.equal(((await scoredBy(world)) as { position: number }).position, 120);
  assert.equal(world.told.count('snapshot clicks delta applied'), 2);
});

test('a version that is forgotten while a large patch is put into a copy is gone', async () => {
  const world = createWorld({ spec: { learner: LEARNER } });
  const first = biased(0.5);
  world.versions.take(KEY, fullOf(first.weights, first.change));
  await world.settle();
  const touched = Array.from({ length: 2 * PATCHED_IN_PLACE_MAX }, (_, index) => index);
  const place = { position: 110, basePosition: 100 };
  world.versions.take(DELTA_KEY, deltaOf(first.weights, touched, { ...first.change, ...place }));
  world.setPlan({ stable: 2 });
  world.versions.take(KEY, null);
  await world.settle();
  assert.equal(world.versions.of('clicks', 1), undefined);
  assert.equal(world.scorers.openCount(), 0);
});
