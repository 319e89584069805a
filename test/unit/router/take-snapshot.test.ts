import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import { EMPTY_LEDGER, takeSnapshot, withoutFull } from '../../../services/router/domain/take-snapshot.ts';
import type { SnapshotLedger, SnapshotVerdict } from '../../../services/router/domain/take-snapshot.ts';
import type { Snapshot } from '../../../shared/domain/events.ts';
import { chunksOf, deltaOf, fullOf, stepOf, TABLE_SIZE, weightsOf, withDigest } from './snapshot-records.ts';

function take(
  records: readonly Snapshot[],
  ledger: SnapshotLedger = EMPTY_LEDGER,
): { ledger: SnapshotLedger; verdicts: string[]; last: SnapshotVerdict | undefined } {
  const verdicts: string[] = [];
  let last: SnapshotVerdict | undefined;
  for (const record of records) {
    const taken = takeSnapshot(ledger, record, sha256Hex);
    ledger = taken.ledger;
    last = taken.verdict;
    verdicts.push(last.kind === 'refused' ? last.reason : last.kind);
  }
  return { ledger, verdicts, last };
}

const full = (position: number, incarnation = 1): Snapshot =>
  fullOf(weightsOf(position), { position, incarnation });
const delta = (position: number, basePosition: number, incarnation = 1): Snapshot =>
  deltaOf(weightsOf(position), [TABLE_SIZE - 1], { position, basePosition, incarnation });

const step = (position: number, basePosition: number, incarnation = 1): Snapshot =>
  stepOf(weightsOf(position), [TABLE_SIZE - 1], { position, basePosition, incarnation });

const ORDERS: readonly {
  readonly name: string;
  readonly records: readonly Snapshot[];
  readonly verdicts: readonly string[];
}[] = [
  { name: 'a first full snapshot', records: [full(100)], verdicts: ['complete'] },
  { name: 'the same snapshot again', records: [full(100), full(100)], verdicts: ['complete', 'known'] },
  { name: 'an older position', records: [full(100), full(99)], verdicts: ['complete', 'stale'] },
  { name: 'a newer position', records: [full(100), full(101)], verdicts: ['complete', 'complete'] },
  {
    name: 'an older position of a newer incarnation',
    records: [full(100), full(50, 2)],
    verdicts: ['complete', 'complete'],
  },
  {
    name: 'a newer position of an older incarnation',
    records: [full(50, 2), full(100, 1)],
    verdicts: ['complete', 'stale'],
  },
  { name: 'a delta without any full', records: [delta(110, 100)], verdicts: ['no-base'] },
  { name: 'a delta on its full', records: [full(100), delta(110, 100)], verdicts: ['complete', 'complete'] },
  {
    name: 'a newer delta over an older one',
    records: [full(100), delta(110, 100), delta(120, 100)],
    verdicts: ['complete', 'complete', 'complete'],
  },
  {
    name: 'an older delta after a newer one',
    records: [full(100), delta(120, 100), delta(110, 100)],
    verdicts: ['complete', 'complete', 'stale'],
  },
  {
    name: 'a delta on a full we skipped',
    records: [full(100), delta(210, 200)],
    verdicts: ['complete', 'no-base'],
  },
  {
    name: 'a delta on the full before the last',
    records: [full(100), full(200), delta(210, 100)],
    verdicts: ['complete', 'complete', 'no-base'],
  },
  {
    name: 'a delta of another incarnation',
    records: [full(100), delta(110, 100, 2)],
    verdicts: ['complete', 'no-base'],
  },
  {
    name: 'a delta at the position of its full, which has nothing that the full has not',
    records: [full(100), delta(100, 100)],
    verdicts: ['complete', 'known'],
  },
  {
    name: 'the same delta again',
    records: [full(100), delta(110, 100), delta(110, 100)],
    verdicts: ['complete', 'complete', 'known'],
  },
  {
    name: 'a full at the place of a delta that it replaces, and a delta on it',
    records: [full(100), delta(110, 100), full(110), full(110), delta(120, 110)],
    verdicts: ['complete', 'complete', 'complete', 'known', 'complete'],
  },
  { name: 'a step without any full', records: [step(120, 110)], verdicts: ['no-base'] },
  { name: 'a step on a full', records: [full(100), step(110, 100)], verdicts: ['complete', 'complete'] },
  {
    name: 'steps, each on the one before',
    records: [full(100), delta(110, 100), step(120, 110), step(130, 120), step(125, 120)],
    verdicts: ['complete', 'complete', 'complete', 'complete', 'stale'],
  },
  {
    name: 'a step after one that did not come, and the delta from which it goes on',
    records: [full(100), delta(110, 100), step(130, 120), delta(140, 100), step(150, 140)],
    verdicts: ['complete', 'complete', 'no-base', 'complete', 'complete'],
  },
  {
    name: 'a delta that says what steps have said, and a step on both',
    records: [full(100), delta(110, 100), step(120, 110), delta(120, 100), step(130, 120)],
    verdicts: ['complete', 'complete', 'complete', 'known', 'complete'],
  },
  {
    name: 'a delta at the place of a step, but on another full',
    records: [full(100), delta(110, 100), step(120, 110), delta(120, 90), delta(120, 100, 2)],
    verdicts: ['complete', 'complete', 'complete', 'stale', 'no-base'],
  },
  {
    name: 'a full at the place of a step that it replaces, and a step on it',
    records: [full(100), delta(110, 100), step(120, 110), full(120), step(130, 120)],
    verdicts: ['complete', 'complete', 'complete', 'complete', 'complete'],
  },
  {
    name: 'a step on a delta of the full before the last',
    records: [full(100), delta(110, 100), full(115), step(120, 110)],
    verdicts: ['complete', 'complete', 'complete', 'no-base'],
  },
  {
    name: 'a step of another incarnation',
    records: [full(100), delta(110, 100), step(120, 110, 2)],
    verdicts: ['complete', 'complete', 'no-base'],
  },
  { name: 'another shard', records: [{ ...full(100), shard: 1 }], verdicts: ['malformed'] },
  {
    name: 'an unknown kind',
    records: [{ ...full(100), kind: 'sideways' as 'full' }],
    verdicts: ['malformed'],
  },
  {
    name: 'an unknown learner',
    records: [{ ...full(100), learner: '{"kind":"forest"}' }],
    verdicts: ['malformed'],
  },
  { name: 'a learner that is no JSON', records: [{ ...full(100), learner: '?' }], verdicts: ['malformed'] },
  {
    name: 'too few weights',
    records: [withDigest({ ...full(100), weights: new Uint8Array(8) })],
    verdicts: ['malformed'],
  },
  {
    name: 'weights cut in the middle of one',
    records: [withDigest({ ...full(100), weights: full(100).weights.slice(1) })],
    verdicts: ['malformed'],
  },
  {
    name: 'a step in chunks',
    records: [full(100), { ...step(110, 100), chunkCount: 2 }],
    verdicts: ['complete', 'malformed'],
  },
  { name: 'a chunk beyond the last', records: [{ ...full(100), chunkIndex: 1 }], verdicts: ['malformed'] },
  {
    name: 'an index beyond the table',
    records: [full(100), deltaOf(weightsOf(1), [TABLE_SIZE], { position: 110, basePosition: 100 })],
    verdicts: ['complete', 'malformed'],
  },
  ...[
    [3, 2],
    [3, 3],
  ].map((indices) => ({
    name: `indices ${indices.join(', ')}`,
    records: [full(100), deltaOf(weightsOf(1), indices, { position: 110, basePosition: 100 })],
    verdicts: ['complete', 'malformed'],
  })),
  { name: 'a full without a graph', records: [{ ...full(100), graph: null }], verdicts: ['malformed'] },
];

for (const { name, records, verdicts } of ORDERS) {
  test(`${name}: ${verdicts.join(', ')}`, () => {
    assert.deepEqual(take(records).verdicts, verdicts);
  });
}

for (const field of ['weights', 'means', 'invStds', 'indices'] as const) {
  test(`a record whose ${field} do not have the digest is dropped, and the sound one after it counts`, () => {
    const sound = delta(110, 100);
    const bytes = Uint8Array.from(sound[field] ?? []);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    assert.deepEqual(take([full(100), { ...sound, [field]: bytes }, sound]).verdicts, [
      'complete',
      'digest-mismatch',
      'complete',
    ]);
  });
}

test('chunks count when all of them are there, in any order, and make the same weights', () => {
  const whole = full(100);
  const [a, b, c] = chunksOf(whole, 3) as [Snapshot, Snapshot, Snapshot];
  const { verdicts, last } = take([c, a, a, b]);
  assert.deepEqual(verdicts, ['gathering', 'gathering', 'gathering', 'complete']);
  assert.ok(last?.kind === 'complete');
  assert.deepEqual(last.snapshot.weights, weightsOf(100));
});

test('chunks of a newer snapshot replace those gathered; what comes late of the older one is stale', () => {
  const [a, b] = chunksOf(full(100), 2) as [Snapshot, Snapshot];
  const [c, d] = chunksOf(full(200), 2) as [Snapshot, Snapshot];
  assert.deepEqual(take([a, c, b, d]).verdicts, ['gathering', 'gathering', 'stale', 'complete']);
});

test('a whole snapshot that overtakes the chunks being gathered makes them stale', () => {
  const [a, b] = chunksOf(full(100), 2) as [Snapshot, Snapshot];
  assert.deepEqual(take([a, full(150), b]).verdicts, ['gathering', 'complete', 'stale']);
});

test('nothing is kept of chunks once a snapshot as new as theirs counts', () => {
  const [a, b] = chunksOf(full(100), 2) as [Snapshot, Snapshot];
  assert.equal(take([a, b]).ledger.gathering, undefined);
  assert.equal(take([a, full(150)]).ledger.gathering, undefined);
});

test('a delta does not disturb the gathering of its full snapshot', () => {
  const [a, b] = chunksOf(full(100), 2) as [Snapshot, Snapshot];
  assert.deepEqual(take([a, delta(110, 100), b, delta(120, 100)]).verdicts, [
    'gathering',
    'no-base',
    'complete',
    'complete',
  ]);
});

test('a damaged chunk leaves the others waiting for the sound one', () => {
  const [a, b] = chunksOf(full(100), 2) as [Snapshot, Snapshot];
  assert.deepEqual(take([a, { ...b, digest: a.digest }, b]).verdicts, [
    'gathering',
    'digest-mismatch',
    'complete',
  ]);
});

test('once the full snapshot is found bad, what is on it is refused and the next full one heals', () => {
  const { ledger } = take([full(100), delta(110, 100)]);
  assert.deepEqual(
    take(
      [delta(120, 100), step(120, 110), delta(110, 100), full(90), full(130), delta(140, 130)],
      withoutFull(ledger),
    ).verdicts,
    ['no-base', 'no-base', 'stale', 'stale', 'complete', 'complete'],
  );
});
