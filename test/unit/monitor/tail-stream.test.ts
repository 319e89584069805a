import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TailStream } from '../../../services/monitor/domain/tail-stream.ts';
import { createRng } from '../../../shared/domain/rng.ts';

const MARGINS = { rate: 0.01, rollbackNats: 0.01, promoteNats: 0.01 };
const THRESHOLDS = { rollbackLogE: Math.log(7 / 0.05), promoteLogE: Math.log(1 / 0.05) };

interface Crossings {
  readonly rolledBack: boolean;
  readonly promoted: boolean;
}

function crossings(count: number, gap: (index: number) => number): Crossings {
  const stream = new TailStream(MARGINS);
  for (let index = 0; index < count; index += 1) stream.take(gap(index));
  const { rollback, promote } = stream.evidence(THRESHOLDS, 0.05);
  return {
    rolledBack: (rollback?.maxLogE ?? NaN) >= THRESHOLDS.rollbackLogE,
    promoted: (promote?.maxLogE ?? NaN) >= THRESHOLDS.promoteLogE,
  };
}

test('a sure candidate of a baseline that answers one half is not rolled back for being wrong now and then', () => {
  const rng = createRng(1);
  const [right, wrong] = [Math.log(0.5 / 0.9), Math.log(0.5 / 0.1)];
  const sure = crossings(4000, () => (rng.next() < 0.9 ? right : wrong));
  assert.deepEqual(sure, { rolledBack: false, promoted: true });
});

test('disasters that are not paid back roll back, however much is gained by the others', () => {
  const rng = createRng(2);
  const gap = (): number => (rng.next() < 0.02 ? 5.5 : -0.06); // clipped to 1 its mean would be −0.04
  assert.deepEqual(crossings(6000, gap), { rolledBack: true, promoted: false });
});

test('a gain counts 1 nat at most', () => {
  const rng = createRng(3);
  const gap = (): number => (rng.next() < 0.1 ? -6 : rng.next() < 0.3 ? 1.5 : 0);
  assert.equal(crossings(6000, gap).rolledBack, true);
});

test('an equal of the baseline passes without being slowed down by rare gaps of both', () => {
  const rng = createRng(4);
  assert.deepEqual(
    crossings(500, () => 0.02 * (rng.next() - 0.5)),
    { rolledBack: false, promoted: true },
  );
});

test('pairs that nobody scored count against promotion only', () => {
  const stream = new TailStream(MARGINS);
  for (let index = 0; index < 3000; index += 1) {
    if (index % 20 === 0) stream.takeUnscored();
    else stream.take(0);
  }
  const { rollback, promote, count } = stream.evidence(THRESHOLDS, 0.05);
  assert.equal(count, 2850);
  assert.ok((rollback?.maxLogE ?? 9) < 1e-9);
  assert.ok((promote?.maxLogE ?? 9) < THRESHOLDS.promoteLogE);
});

test('stored anywhere and restored it goes on to the same bits', () => {
  const gaps = fc.array(fc.double({ min: -7, max: 7, noNaN: true }), { minLength: 2, maxLength: 300 });
  fc.assert(
    fc.property(gaps, (all) => {
      const whole = new TailStream(MARGINS);
      let broken = new TailStream(MARGINS);
      all.forEach((gap, index) => {
        whole.take(gap);
        broken.take(gap);
        if (index !== all.length >> 1) return;
        const bytes = Uint8Array.from(broken.bytes());
        broken = new TailStream(MARGINS);
        broken.restore(bytes);
      });
      assert.deepEqual(broken.bytes(), whole.bytes());
      assert.deepEqual(broken.evidence(THRESHOLDS, 0.05), whole.evidence(THRESHOLDS, 0.05));
    }),
    { numRuns: 40 },
  );
});
