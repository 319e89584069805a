import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replayPorts } from '../../../deploy/demo/replay-ports.ts';
import { dueBirths } from '../../../services/online-learner/domain/due-births.ts';
import { ShardLearner } from '../../../services/online-learner/domain/shard-learner.ts';
import { TimeBudget } from '../../../services/online-learner/domain/time-budget.ts';
import { VersionLives } from '../../../services/online-learner/version-lives.ts';
import type { ModelState, VersionState } from '../../../shared/domain/model-directory.ts';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import { streamConfig, streamModel as spec, streamSpec, syntheticStream } from './synthetic-stream.ts';

function version(number: number, change: Partial<VersionState> = {}): VersionState {
  return {
    version: number,
    parent: number === 1 ? null : 1,
    mode: number === 1 ? 'cold' : 'copy',
    learner: streamConfig,
    life: 'registered',
    isApproved: false,
    startPosition: 0,
    bornPosition: null,
    resumeSequence: 0,
    registeredAtMs: 0,
    ...change,
  };
}

const control = version(2, { twin: { role: 'control', of: 3 } });
const candidate = version(3, {
  twin: { role: 'candidate', of: 2 },
  learner: { ...streamConfig, alpha: 0.9 },
});

function modelOf(...versions: readonly VersionState[]): ModelState {
  const plan = {
    model: 'clicks',
    planVersion: 1,
    stable: 1,
    candidate: null,
    candidateWeightBp: 0,
    shadows: [],
    salt: '',
  };
  return {
    spec,
    createdAtMs: 0,
    versions,
    plan,
    milestoneSequence: 0,
    repositioned: null,
    rollout: null,
    queued: [],
  };
}

/** Returns digests of a version's state by the name that a section has within it. */
function bytesOf(learner: ShardLearner, number: number): Record<string, string> {
  const prefix = `v${String(number)}/`;
  const mine = learner.sections().filter(({ name }) => name.startsWith(prefix));
  return Object.fromEntries(
    mine.map((section) => [section.name.slice(prefix.length), sha256Hex([section.bytes()])]),
  );
}

test('both halves of a twin fork begin with identical bytes at the same position', () => {
  const learner = new ShardLearner(streamSpec);
  const { learner: ports } = replayPorts;
  const lives = new VersionLives({
    place: { model: 'clicks', shard: 0, shardKey: 'clicks#0', partition: 0 },
    learner,
    budget: new TimeBudget(Infinity, ports.monotonicMs),
    versionBudgetMicros: Infinity,
    ports,
    onChange: () => undefined,
    onRetired: () => undefined,
  });
  lives.bringToLife(modelOf(version(1)), 0);
  syntheticStream(500).forEach((event, index) => {
    learner.apply(event, index);
    learner.position += 1;
  });
  lives.bringToLife(modelOf(version(1), control), learner.position);
  assert.deepEqual(
    learner.versions.map((one) => one.version),
    [1],
    'neither is born before the other is in the log',
  );
  lives.bringToLife(modelOf(version(1), control, candidate), learner.position);
  const born = learner.versions.map((one) => [one.version, one.born.position]);
  assert.deepEqual(born, [
    [1, 0],
    [2, 500],
    [3, 500],
  ]);
  const { zn: _control, ...learned } = bytesOf(learner, 2);
  const { zn: _candidate, ...learnedToo } = bytesOf(learner, 3); // z says the same weights in other settings
  assert.deepEqual(learnedToo, learned);
  assert.deepEqual(Object.keys(learned).sort(), ['counters', 'fence', 'metrics', 'scaler', 'w']);
  syntheticStream(200, 2).forEach((event, index) => learner.apply(event, 1000 + index));
  assert.notDeepEqual(bytesOf(learner, 2), bytesOf(learner, 3), 'their settings differ');
});

test('twins whose settings are the same are the same bytes, and stay so', () => {
  const learner = new ShardLearner(streamSpec);
  learner.birth(1, streamConfig, { mode: 'cold' });
  syntheticStream(300).forEach((event, index) => learner.apply(event, index));
  for (const half of [2, 3]) learner.birth(half, streamConfig, { mode: 'copy', parent: 1 });
  assert.deepEqual(bytesOf(learner, 2), bytesOf(learner, 3));
  syntheticStream(300, 2).forEach((event, index) => learner.apply(event, 1000 + index));
  assert.deepEqual(bytesOf(learner, 2), bytesOf(learner, 3));
});

test('the recorded birth of one half is that of both when the state is learned again', () => {
  const model = modelOf(
    version(1, { bornPosition: 0, life: 'live' }),
    { ...control, bornPosition: 40 },
    candidate,
  );
  const dueAt = (position: number): number[] => dueBirths(model, [1], position).map((one) => one.version);
  assert.deepEqual([dueAt(39), dueAt(40)], [[], [2, 3]]);
  assert.deepEqual(
    dueBirths(model, [1], 99).map(({ bornPosition }) => bornPosition),
    [40, 40],
  );
});
