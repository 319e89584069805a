import assert from 'node:assert/strict';
import { test } from 'node:test';
import { valueOfFreshness } from '../../../deploy/cli/freshness-value.ts';
import type { LoggedExample } from '../../../deploy/cli/freshness-value.ts';
import { createRng } from '../../../shared/domain/rng.ts';
import { VersionLearner } from '../../../services/online-learner/domain/version-learner.ts';
import { modelState } from '../ingest/join-world.ts';

const { spec } = modelState('clicks');
const SECOND_MS = 1000;

/** A world that turns round every 400 s: what was true is false then. */
function turningWorld(count: number): LoggedExample[] {
  const rng = createRng(7);
  return Array.from({ length: count }, (_, index) => {
    const isTurned = Math.floor(index / 400) % 2 === 1;
    const isRed = rng.next() < 0.5;
    const isOne = isRed !== isTurned ? rng.next() < 0.9 : rng.next() < 0.1;
    return {
      row: [isRed ? 'red' : 'blue', null, null],
      label: isOne ? 1 : 0,
      weight: 1,
      atMs: index * SECOND_MS,
    };
  });
}

test('refreshed after every example, the value is that of progressive validation', () => {
  const examples = turningWorld(1500);
  const [atOnce] = valueOfFreshness(spec, examples, [0]);
  const learner = VersionLearner.cold(spec, 1, spec.learner, 0);
  for (const { row, label, weight } of examples) learner.step(row, label, weight);
  assert.equal(atOnce?.logLossNats, learner.metrics.summary().logLoss);
  assert.equal(atOnce.refreshes, 1500);
});

test('in a world that turns, the rarer the refresh the more is lost', () => {
  const values = valueOfFreshness(
    spec,
    turningWorld(4000),
    [0, 60, 300, 100_000].map((seconds) => seconds * SECOND_MS),
  );
  const losses = values.map(({ logLossNats }) => logLossNats);
  const learning = losses.slice(0, 3);
  assert.deepEqual(
    learning,
    learning.toSorted((a, b) => a - b),
  );
  assert.deepEqual(
    values.map(({ refreshes }) => refreshes),
    [4000, 67, 14, 1],
  );
  assert.equal(losses.at(-1)?.toFixed(6), Math.LN2.toFixed(6), 'never refreshed, nothing is known');
});

test('every interval is served by what had been learned at its refresh, whatever the others do', () => {
  const examples = turningWorld(900);
  const alone = valueOfFreshness(spec, examples, [60 * SECOND_MS]);
  const together = valueOfFreshness(spec, examples, [0, 60 * SECOND_MS, 7 * SECOND_MS]);
  assert.deepEqual(together[1], alone[0]);
});
