import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Snapshot } from '../../../shared/domain/events.ts';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import { slotsOf, SnapshotChain } from '../../../services/online-learner/domain/snapshot-chain.ts';
import { CoordinateSet } from '../../../services/online-learner/domain/touched-coordinates.ts';
import { createSnapshotIntake } from '../../../services/router/domain/snapshot-intake.ts';
import { fullOf, withDigest } from '../router/snapshot-records.ts';
import { bytesOf } from '../../../shared/domain/state-section.ts';

const BITS = 16;
const SIZE = 2 ** BITS + 1;

/** A record, and what of its key differs among a version's. */
interface Sent {
  readonly key: string;
  readonly record: Snapshot;
}

/** Weights that are touched and sent. */
class Sender {
  readonly weights = new Float32Array(SIZE);
  readonly chain = new SnapshotChain(SIZE);
  position = 100;
  timeMs = 0;
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

  /** Returns what is sent, in order. */
  send(): Sent[] {
    return this.chain.next(this.position, this).map(({ kind, basePosition, indices, slot }) => {
      const full = fullOf(this.weights.slice(), {
        position: this.position,
        publishedAtMs: this.timeMs,
        learner: JSON.stringify({ kind: 'ftrl-logistic', tableBits: BITS }),
        goldenRows: [],
        goldenScores: [],
      });
      assert.ok(slot < slotsOf(kind, SIZE));
      const key = `${kind}/${String(slot)}`;
      if (indices === null) return { key, record: full };
      const weights = bytesOf(Float32Array.from(indices, (index) => this.weights[index] ?? NaN));
      const listed = { kind, basePosition, graph: null, indices: bytesOf(indices), weights };
      return { key, record: withDigest({ ...full, ...listed }) };
    });
  }

  /** Touches some weights and sends them; returns what was sent in words. */
  say(from: number, count: number): string {
    this.touch(from, count, 1);
    return this.send()
      .map(({ key, record: { indices } }) => `${key} ${String((indices?.length ?? 0) / 4)}`)
      .join(', ');
  }
}

/** What a router that reads these records serves in the end. */
function servedAfter(sent: readonly Sent[], applyEvery = Infinity): Float32Array {
  const intake = createSnapshotIntake(sha256Hex);
  const served = new Float32Array(SIZE);
  const apply = (): void => {
    const update = intake.next();
    if (update === undefined) return;
    if (update.indices === null) served.set(update.weights);
    update.indices?.forEach((index, i) => (served[index] = update.weights[i] ?? NaN));
    intake.settled(update.id, true);
  };
  sent.forEach(({ record }, at) => {
    intake.take(record, undefined);
    if (at % applyEvery === applyEvery - 1) apply();
  });
  apply();
  return served;
}

/** The records of which a newer one of their key is among them may be gone; those before `until` are. */
function compacted(sent: readonly Sent[], until: number): Sent[] {
  return sent.filter(
    ({ key }, at) => at >= until || !sent.slice(at + 1, until).some((later) => later.key === key),
  );
}

test('kinds of snapshots: a delta on a full one, then steps; the last step for which there is a key has a delta beside it', () => {
  const sender = new Sender();
  const sent = Array.from({ length: 68 }, (_, i) => sender.say(100 * i, 100));
  const steps = Array.from({ length: 63 }, (_, i) => `step/${String(i)} 100`);
  assert.deepEqual(sent, [
    'full/0 0',
    'delta/0 100',
    ...steps,
    'step/63 100, delta/0 6500',
    'step/0 100',
    'step/1 100',
  ]);
});

test('steps that list more than a quarter of everything together have a delta beside the last, or a full one', () => {
  const again = new Sender();
  assert.deepEqual(
    [1, 4000, 4000, 4000, 193, 4000].map((count) => again.say(0, count)),
    ['full/0 0', 'delta/0 4000', 'step/0 4000', 'step/1 4000', 'step/2 193, delta/0 4000', 'step/0 4000'],
  );
  const other = new Sender();
  assert.deepEqual(
    [1, 4000, 4000, 4000, 4000].map((count, i) => other.say(10_000 * i, count)),
    ['full/0 0', 'delta/0 4000', 'step/0 4000', 'step/1 4000', 'step/2 4000, full/0 0'],
  );
});

test('a delta of more than a quarter of everything is a full one; so is what follows a broken chain', () => {
  const sender = new Sender();
  assert.deepEqual(
    [1, 8192, 1].map((count) => sender.say(0, count)),
    ['full/0 0', 'delta/0 8192', 'step/0 1'],
  );
  sender.chain.break();
  assert.equal(sender.say(0, 1), 'full/0 0');
  assert.equal(sender.say(0, 8193), 'full/0 0');
  assert.equal(sender.say(0, 1), 'delta/0 1');
  assert.deepEqual(sender.takeTouched(), new Uint32Array(0));
});

test('what does not fit a step of one record is a delta alone', () => {
  const table = 2 ** 24;
  const chain = new SnapshotChain(table);
  const said = (size: number): string[] => {
    const weights = {
      takeTouched: () => Uint32Array.from({ length: size }, (_, i) => i),
      resetTouched: () => undefined,
    };
    return chain.next(0, weights).map(({ kind, slot }) => `${kind}/${String(slot)}`);
  };
  assert.deepEqual([1, 1, 2 ** 20, 2 ** 20 + 1, 1].map(said), [
    ['full/0'],
    ['delta/0'],
    ['step/0'],
    ['delta/0'],
    ['step/0'],
  ]);
});

test('tables below 256 KiB are sent whole', () => {
  const chain = new SnapshotChain(2 ** 15);
  const weights = { takeTouched: () => new Uint32Array(1), resetTouched: () => undefined };
  assert.deepEqual(
    [1, 2, 3].map((position) => chain.next(position, weights).map(({ kind }) => kind)),
    [['full'], ['full'], ['full']],
  );
  assert.deepEqual(
    (['full', 'delta', 'step'] as const).map((kind) => slotsOf(kind, 2 ** 15)),
    [1, 0, 0],
  );
});

test('where other weights are touched each time, a snapshot lists them and a 64th of what a delta would', () => {
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
    for (const { kind, indices } of chain.next(position, weights)) {
      assert.notEqual(kind, 'full');
      listed += indices?.length ?? 0;
    }
    all += 3000 * position;
  }
  assert.ok(listed < 170 * 3000 + all / 64, `${String(listed)} of ${String(all)}`);
});

test('whatever is touched, sent, compacted and applied together, the weights served are those of the newest record', () => {
  const touches = fc.record({
    from: fc.nat(SIZE - 1),
    count: fc.oneof(fc.nat(50), fc.nat(5000)),
    stride: fc.constantFrom(1, 7, 1000),
    isBroken: fc.nat(20).map((one) => one === 0),
    tookMs: fc.constantFrom(0, 1000, 40_000),
  });
  fc.assert(
    fc.property(
      fc.array(touches, { minLength: 1, maxLength: 25 }),
      fc.nat(26),
      fc.integer({ min: 1, max: 5 }),
      (steps, until, applyEvery) => {
        const sender = new Sender();
        const sent = steps.flatMap(({ from, count, stride, isBroken, tookMs }) => {
          if (isBroken) sender.chain.break();
          sender.timeMs += tookMs;
          sender.touch(from, count, stride);
          return sender.send();
        });
        assert.deepEqual(servedAfter(compacted(sent, until)), sender.weights);
        assert.deepEqual(servedAfter(compacted(sent, until), applyEvery), sender.weights);
      },
    ),
    { numRuns: 60 },
  );
});
