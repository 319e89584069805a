import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ShardLearner } from '../../../services/online-learner/domain/shard-learner.ts';
import { VersionLearner } from '../../../services/online-learner/domain/version-learner.ts';
import { PAGE_BYTES } from '../../../shared/domain/state-section.ts';
import type { FeatureValue } from '../../../shared/domain/model-spec.ts';
import { streamConfig, streamSpec, syntheticStream } from './synthetic-stream.ts';

type Stored = Map<string, Uint8Array>;

const T0 = 1_700_000_000_000;

function store(shard: ShardLearner): Stored {
  return new Map(shard.sections().map((section) => [section.name, section.bytes().slice()]));
}

function load(stored: Stored): ShardLearner {
  return ShardLearner.restore(streamSpec, (name) => {
    const bytes = stored.get(name);
    assert.ok(bytes, name);
    return bytes;
  });
}

/** Applies examples `from … to - 1` of a stream with births, a retirement, repeats and screened events on the way. */
function run(shard: ShardLearner, from: number, to: number): void {
  const stream = syntheticStream(to);
  for (let i = from; i < to; i++) {
    shard.position = i;
    if (i === 0) shard.birth(1, streamConfig, { mode: 'cold' });
    if (i === 300) shard.birth(3, { ...streamConfig, alpha: 0.5 }, { mode: 'copy', parent: 1 });
    if (i === 500) shard.birth(2, streamConfig, { mode: 'cold' });
    if (i === 900) shard.retire(1);
    if (i === 1000) shard.halt(2);
    const event = stream[i % 7 === 6 ? i - 3 : i];
    assert.ok(event);
    shard.apply(i % 50 === 49 ? { ...event, weight: 1e30 } : event, T0 + i * 100);
    shard.position = i + 1;
    shard.lastRecordDigest = `digest-${String(i)}`;
  }
}

test('restored at any point it goes on to the same bytes as uninterrupted', () => {
  const whole = new ShardLearner(streamSpec);
  run(whole, 0, 1200);
  for (const half of [0, 1, 299, 300, 501, 950, 1001, 1200]) {
    const first = new ShardLearner(streamSpec);
    run(first, 0, half);
    const second = load(store(first));
    assert.deepEqual(store(second), store(first));
    run(second, half, 1200);
    assert.deepEqual(store(second), store(whole), `restored at ${String(half)}`);
  }
});

test('the pages it says are dirty are all that a stored copy needs', () => {
  const shard = new ShardLearner(streamSpec);
  const stored: Stored = new Map();
  for (let from = 0; from < 1200; from += 40) {
    run(shard, from, from + 40);
    for (const section of shard.sections()) {
      const bytes = section.bytes();
      const pages = section.dirtyPages();
      const known = stored.get(section.name);
      if (pages === 'all') stored.set(section.name, bytes.slice());
      else {
        const copy = known?.length === bytes.length ? known : new Uint8Array(bytes.length);
        for (const page of pages)
          copy.set(bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES), page * PAGE_BYTES);
        stored.set(section.name, copy);
      }
      section.markClean();
    }
    const names = new Set(shard.sections().map(({ name }) => name));
    for (const name of stored.keys()) if (!names.has(name)) stored.delete(name);
    assert.deepEqual(stored, store(shard));
  }
});

test('after a restore only what changed since is dirty', () => {
  const first = new ShardLearner(streamSpec);
  run(first, 0, 100);
  const second = load(store(first));
  const dirty = second.sections().filter((section) => section.dirtyPages() !== 'all');
  assert.deepEqual(
    dirty.map(({ name }) => name),
    ['duplicates', 'v1/w', 'v1/zn'],
  );
  for (const section of dirty) assert.deepEqual(section.dirtyPages(), [], section.name);
});

test('sections come in canonical order, whatever the order of births', () => {
  const shard = new ShardLearner(streamSpec);
  for (const version of [3, 1]) shard.birth(version, streamConfig, { mode: 'cold' });
  const parts = ['w', 'zn', 'scaler', 'metrics', 'counters', 'fence'];
  const expected = [
    'meta',
    'duplicates',
    ...parts.map((part) => `v1/${part}`),
    ...parts.map((part) => `v3/${part}`),
  ];
  assert.deepEqual(
    shard.sections().map(({ name }) => name),
    expected,
  );
});

test('every live version scores an event before learning it, ascending', () => {
  const shard = new ShardLearner(streamSpec);
  const alone = VersionLearner.cold(streamSpec, 1, streamConfig, 0);
  shard.birth(2, { ...streamConfig, alpha: 1 }, { mode: 'cold' });
  shard.birth(1, streamConfig, { mode: 'cold' });
  for (const event of syntheticStream(100)) {
    const expected = alone.step(event.row, event.label, event.weight).score;
    const { scores } = shard.apply(event, T0);
    assert.deepEqual(
      scores.map(({ version }) => version),
      [1, 2],
    );
    assert.equal(scores[0]?.score, expected);
  }
});

test('a repeated id is neither scored nor learned', () => {
  const shard = new ShardLearner(streamSpec);
  shard.birth(1, streamConfig, { mode: 'cold' });
  const [event] = syntheticStream(1);
  assert.ok(event);
  assert.equal(shard.apply(event, T0).isDuplicate, false);
  const before = store(shard);
  const { isDuplicate, scores, screened, halted } = shard.apply({ ...event, label: 1 - event.label }, T0 + 1);
  assert.deepEqual(
    { isDuplicate, scores, screened, halted },
    { isDuplicate: true, scores: [], screened: [], halted: [] },
  );
  assert.deepEqual(store(shard), before);
});

test('a screened event is reported for each version that refused it', () => {
  const shard = new ShardLearner(streamSpec);
  run(shard, 0, 500);
  shard.birth(2, streamConfig, { mode: 'cold' });
  const outcome = shard.apply({ id: 'far', row: ['shop-1', 'c1', true, 1e9, 1], label: 1, weight: 1 }, T0);
  assert.deepEqual(
    outcome.scores.map(({ version }) => version),
    [1, 2, 3],
  );
  assert.deepEqual(
    outcome.screened.map(({ version }) => version),
    [1, 3],
  );
  assert.match(outcome.screened[0]?.reason ?? '', /feature amount: value 1000000000/);
});

test('a version that throws is halted alone, which its state remembers', () => {
  const shard = new ShardLearner(streamSpec);
  shard.birth(1, streamConfig, { mode: 'cold' });
  shard.birth(2, streamConfig, { mode: 'cold' });
  shard.position = 41;
  const row: FeatureValue[] = ['shop-1', 'c1', true, 5, 1];
  shard.learner(2).stepHashed = () => {
    throw new Error('cannot read');
  };
  const outcome = shard.apply({ id: 'odd', row, label: 1, weight: 1 }, T0);
  assert.deepEqual(
    outcome.scores.map(({ version }) => version),
    [1],
  );
  assert.deepEqual(outcome.halted, [{ version: 2, reason: 'cannot read' }]);

  const restored = load(store(shard));
  for (const one of [shard, restored]) {
    assert.deepEqual([one.haltedAt(1), one.haltedAt(2)], [undefined, 41]);
    const [event] = syntheticStream(1);
    assert.ok(event);
    assert.deepEqual(
      one.apply(event, T0).scores.map(({ version }) => version),
      [1],
    );
    assert.deepEqual(one.apply({ ...event, id: 'next' }, T0).halted, []);
  }
  assert.deepEqual(store(restored), store(shard));
});

test('births and retirements that cannot be are refused and change nothing', () => {
  const shard = new ShardLearner(streamSpec);
  for (const version of [1, 2, 3]) shard.birth(version, streamConfig, { mode: 'cold' });
  const before = store(shard);
  const other = { ...streamConfig, tableBits: 10 };
  assert.throws(() => {
    shard.birth(2, streamConfig, { mode: 'cold' });
  }, /version 2: it is live already/);
  assert.throws(() => {
    shard.birth(4, streamConfig, { mode: 'copy', parent: 9 });
  }, /version 9 is not live, allowed 1, 2, 3/);
  assert.throws(() => {
    shard.birth(4, other, { mode: 'copy', parent: 1 });
  }, /tableBits 10, allowed 12/);
  assert.throws(() => {
    shard.retire(9);
  }, RangeError);
  assert.throws(() => {
    shard.halt(9);
  }, RangeError);
  assert.deepEqual(store(shard), before);
  shard.birth(4, other, { mode: 'cold' });
  assert.throws(() => {
    shard.birth(5, streamConfig, { mode: 'cold' });
  }, /4 versions are live, allowed 4/);
});

test('state of other features, another format or another size is refused', () => {
  const shard = new ShardLearner(streamSpec);
  run(shard, 0, 10);
  const stored = store(shard);
  const renamed = { ...streamSpec, features: [...streamSpec.features].reverse() };
  assert.throws(() => ShardLearner.restore(renamed, (name) => stored.get(name) ?? new Uint8Array()), /rows/);
  assert.throws(
    () => load(new Map(stored).set('v1/w', new Uint8Array(4))),
    /section v1\/w: 4 bytes, expected 16388/,
  );
  const meta = new TextDecoder().decode(stored.get('meta')).replace('"format":3', '"format":4');
  assert.throws(
    () => load(new Map(stored).set('meta', new TextEncoder().encode(meta))),
    /format 4, allowed 1 … 3/,
  );
});

/** Returns a stored state as the formats 1 and 2 had it: z and n apart. */
function inOldFormat(stored: Stored, format: number): Stored {
  const old: Stored = new Map();
  for (const [name, bytes] of stored) {
    if (!name.endsWith('/zn')) old.set(name, bytes);
    else {
      const pairs = new Float32Array(bytes.slice().buffer);
      for (const [place, part] of ['z', 'n'].entries()) {
        const apart = pairs.filter((_, i) => i % 2 === place);
        old.set(name.replace(/zn$/, part), new Uint8Array(apart.buffer));
      }
    }
  }
  const meta = new TextDecoder().decode(stored.get('meta'));
  old.set('meta', new TextEncoder().encode(meta.replace('"format":3', `"format":${String(format)}`)));
  return old;
}

test('state whose sums were stored apart goes on as it is now', () => {
  const shard = new ShardLearner(streamSpec);
  run(shard, 0, 300);
  const old = load(inOldFormat(store(shard), 2));
  run(shard, 300, 600);
  run(old, 300, 600);
  assert.deepEqual(store(old), store(shard));
});

test('state of before there were leverage fences goes on with fences that know nothing yet', () => {
  const shard = new ShardLearner(streamSpec);
  run(shard, 0, 300);
  const stored = inOldFormat(store(shard), 1);
  const old = load(new Map([...stored].filter(([name]) => !name.endsWith('/fence'))));
  assert.equal(shard.learner(1).fences().leverageMax === null, false);
  assert.equal(old.learner(1).fences().leverageMax, null);
  run(old, 300, 400);
  run(shard, 300, 400);
  assert.equal(old.learner(1).examplesLearned, shard.learner(1).examplesLearned);
});
