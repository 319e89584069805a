import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeRollout } from '../../../services/monitor/domain/rollout-description.ts';
import type { VersionMode } from '../../../shared/domain/model-directory.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../shared/domain/rollout-policy.ts';
import { directoryWith, MODEL, ROLLOUT } from './monitor-world.ts';

function described(modes: readonly [baseline: VersionMode, candidate: VersionMode]): [boolean, string] {
  const model = directoryWith(ROLLOUT).get(MODEL);
  assert.ok(model !== undefined);
  const rollout = { ...DEFAULT_ROLLOUT_POLICY, evidenceFrom: 'learner' } as const;
  const versions = model.versions.map((one, i) => ({ ...one, mode: modes[i] ?? one.mode }));
  const { needsWarming, policy } = describeRollout(
    { ...model, spec: { ...model.spec, rollout }, versions },
    ROLLOUT,
  );
  return [needsWarming, policy.evidenceFrom];
}

test('a candidate warms unless it is a copy or a published file', () => {
  assert.deepEqual(described(['cold', 'cold']), [true, 'learner']);
  assert.deepEqual(described(['cold', 'copy']), [false, 'learner']);
  assert.deepEqual(described(['cold', 'published'])[0], false);
});

test('where a published file is compared, on either side, the evidence is what was served', () => {
  assert.deepEqual(described(['cold', 'published']), [false, 'served']);
  assert.deepEqual(described(['published', 'cold']), [true, 'served']);
});
