import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SpareMemory } from '../../../shared/domain/spare-memory.ts';
import type { Snapshot } from '../../../shared/domain/events.ts';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import { SnapshotChain } from '../../../services/online-learner/domain/snapshot-chain.ts';
import { CoordinateSet } from '../../../services/online-learner/domain/touched-coordinates.ts';
import { createSnapshotIntake } from '../../../services/router/domain/snapshot-intake.ts';
import { fullOf, withDigest } from '../router/snapshot-records.ts';
import { bytesOf } from '../../../shared/domain/state-section.ts';

const BITS = 16;
const SIZE = 2 ** BITS + 1;

/** Weights that are touched and sent. */
class Sender {
  readonly weights = new Float32Array(SIZE);
  readonly chain = new SnapshotChain(SIZE);
  position = 100;
  #touched = new CoordinateSet(SIZE);

  takeTouched(): Uint32Array<ArrayBuffer> {
    return this.#touched.list();
  }

  resetTouched(): void {
    this.#touched.clear();
  }

  /** Touches so many weights from one on, each so far from the one before. */
  touch(from: number, count: number, stride: number): void {
    const indices = Uint32Array.from({ length: count }, (_, i) => (from + i * stride) % SIZE);
    this.position += 1;
    for (const index of indices) this.weights[index] = this.position;
    this.#touched.add(indices);
  }

  send(): Snapshot {
    const { kind, basePosition, indices } = this.chain.next(this.position, this);
    const full = fullOf(this.weights.slice(), {
      position: this.position,
      learner: JSON.stringify({ kind: 'ftrl-logistic', tableBits: BITS }),
      goldenRows: [],
      goldenScores: [],
    });
    if (indices === null) return full;
    const weights = bytesOf(Float32Array.from(indices, (index) => this.weights[index] ?? NaN));
    return withDigest({ ...full, kind, basePosition, graph: null, indices: bytesOf(indices), weights });
  }
}

/** What a router that reads these records serves in the end. */
function servedAfter(records: readonly Snapshot[], applyEvery = Infinity): Float32Array {
  const intake = createSnapshotIntake(sha256Hex, new SpareMemory());
  const served = new Float32Array(SIZE);
  const apply = (): void => {
    const update = intake.next();
    if (update === undefined) return;
    if (update.indices === null) served.set(update.weights);
    update.indices?.forEach((index, i) => (served[index] = update.weights[i] ?? NaN));
    intake.settled(update.id, true);
  };
  records.forEach((record, at) => {
    intake.take(record, undefined);
    if (at % applyEvery === applyEvery - 1) apply();
  });
  apply();
  return served;
}

/** The records of which a newer one of their kind is among them may be gone; those before `until` are. */
function compacted(records: readonly Snapshot[], until: number): Snapshot[] {
  return records.filter(
    ({ kind }, at) => at >= until || !records.slice(at + 1, until).some((later) => later.kind === kind),
  );
}

test('kinds of snapshots: a step while the steps have listed less than their delta', () => {
  const sender = new Sender();
  const sent = Array.from({ length: 9 }, (_, i) => {
    sender.touch(100 * i, 100, 1);
    const { kind, indices } = sender.send();
    return `${kind} ${String((indices?.length ?? 0) / 4)}`;
  });
  assert.deepEqual(sent, [
    'full 0',
    'delta 100',
    'step 100',
    'delta 300',
    'step 100',
    'step 200',
    'delta 600',
    'step 100',
    'step 200',
  ]);
});

test('a delta of more than a quarter of everything becomes a full snapshot; so does what follows a broken chain', () => {
  const sender = new Sender();
  const kinds = [1, 8000, 1, 400, 8000].map((count, i) => {
    sender.touch(10_000 * i, count, 1);
    return sender.send().kind;
  });
  assert.deepEqual(kinds, ['full', 'delta', 'step', 'step', 'step']);
  sender.touch(50_000, 1, 1);
  assert.equal(sender.send().kind, 'full');
  sender.touch(0, 1, 1);
  assert.equal(sender.send().kind, 'delta');
  sender.chain.break();
  assert.equal(sender.send().kind, 'full');
  assert.deepEqual(sender.takeTouched(), new Uint32Array(0));
});

test('tables below 256 KiB are sent whole', () => {
  const chain = new SnapshotChain(2 ** 15);
  const weights = { takeTouched: () => new Uint32Array(1), resetTouched: () => undefined };
  assert.deepEqual(
    [1, 2, 3].map((position) => chain.next(position, weights).kind),
    ['full', 'full', 'full'],
  );
});

test('where other weights are touched each time, what is sent grows as a root and not as the delta does', () => {
  const table = 2 ** 22;
  const touched = new CoordinateSet(table);
  const chain = new SnapshotChain(table);
  const weights = {
    takeTouched: () => touched.list(),
    resetTouched: () => {
      touched.clear();
    },
  };
  let [listed, all] = [0, 0];
  chain.next(0, weights);
  for (let position = 1; position <= 170; position += 1) {
    touched.add(Uint32Array.from({ length: 3000 }, (_, i) => position * 3000 + i));
    const { kind, indices } = chain.next(position, weights);
    assert.notEqual(kind, 'full');
    listed += indices?.length ?? 0;
    all += 3000 * position;
  }
  assert.ok(listed < all / 5, `${String(listed)} of ${String(all)}`);
});

test('whatever is touched, sent, compacted and applied together, the weights served are those of the newest record', () => {
  const touches = fc.record({
    from: fc.nat(SIZE - 1),
    count: fc.oneof(fc.nat(50), fc.nat(5000)),
    stride: fc.constantFrom(1, 7, 1000),
    isBroken: fc.nat(20).map((one) => one === 0),
  });
  fc.assert(
    fc.property(
      fc.array(touches, { minLength: 1, maxLength: 25 }),
      fc.nat(26),
      fc.integer({ min: 1, max: 5 }),
      (steps, until, applyEvery) => {
        const sender = new Sender();
        const records = steps.map(({ from, count, stride, isBroken }) => {
          if (isBroken) sender.chain.break();
          sender.touch(from, count, stride);
          return sender.send();
        });
        assert.deepEqual(servedAfter(compacted(records, until)), sender.weights);
        assert.deepEqual(servedAfter(compacted(records, until), applyEvery), sender.weights);
      },
    ),
    { numRuns: 60 },
  );
});
