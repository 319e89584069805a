import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  DUPLICATE_IDS_MAX,
  DUPLICATE_WINDOW_MS,
  DuplicateWindow,
} from '../../../shared/domain/duplicate-window.ts';
import { createRng } from '../../../shared/domain/rng.ts';

const T0 = 1_700_000_000_000;

function bytesNow(window: DuplicateWindow): Uint8Array {
  return window.section('duplicates').bytes().slice();
}

test('an id is new once within ten minutes of record time, and again after them', () => {
  const window = new DuplicateWindow();
  assert.equal(window.addIfNew('a', T0), true);
  assert.equal(window.addIfNew('a', T0 + DUPLICATE_WINDOW_MS), false);
  assert.equal(window.addIfNew('a', T0 + DUPLICATE_WINDOW_MS + 1), true);
  assert.equal(window.addIfNew('a', T0 + DUPLICATE_WINDOW_MS + 2), false);
});

test('a record time before the first one still finds the repeat', () => {
  const window = new DuplicateWindow();
  window.addIfNew('a', T0);
  assert.equal(window.addIfNew('a', T0 - 1000), false);
});

test('in order of time it answers as a list of all ids would', () => {
  const calls = fc.array(fc.tuple(fc.nat(30), fc.nat(DUPLICATE_WINDOW_MS / 4)), { maxLength: 300 });
  fc.assert(
    fc.property(calls, (steps) => {
      const window = new DuplicateWindow();
      const added = new Map<number, number>();
      let time = T0;
      for (const [id, pause] of steps) {
        time += pause;
        const isNew = time - (added.get(id) ?? -Infinity) > DUPLICATE_WINDOW_MS;
        assert.equal(window.addIfNew(String(id), time), isNew);
        if (isNew) added.set(id, time);
      }
    }),
  );
});

test('one record from the far future does not empty the window or fill it for ever', () => {
  const window = new DuplicateWindow();
  for (let i = 0; i < 500; i++) window.addIfNew(`before-${String(i)}`, T0 + i);
  window.addIfNew('lost clock', T0 + 1e12);
  for (let i = 2; i < 500; i++) assert.equal(window.addIfNew(`before-${String(i)}`, T0 + 1000), false);
  for (let i = 0; i < 5000; i++) window.addIfNew(`after-${String(i)}`, T0 + i * 60_000);
  assert.ok(window.size < 20, String(window.size));
});

test('ids that left the window make room, so that a slow stream stays small', () => {
  const window = new DuplicateWindow();
  for (let i = 0; i < 20_000; i++) window.addIfNew(String(i), T0 + i * 1000);
  assert.equal(window.size, 601);
  assert.equal(bytesNow(window).length, 16 * (1 + 1024));
});

test('beyond 2^20 ids the oldest are forgotten', () => {
  const window = new DuplicateWindow();
  for (let i = 0; i <= DUPLICATE_IDS_MAX; i++) window.addIfNew(String(i), T0);
  assert.equal(window.size, DUPLICATE_IDS_MAX);
  assert.equal(window.addIfNew('1', T0), false);
  assert.equal(window.addIfNew('0', T0), true);
  assert.equal(window.addIfNew('1', T0), true);
});

test('restored half way it goes on to the same bytes as uninterrupted', () => {
  const rng = createRng(3);
  const calls = Array.from({ length: 12_000 }, (_, i) => {
    const id = String(i - rng.int(3000));
    return [id, T0 + i * 150 + rng.int(5000) - 2500 + (rng.int(500) === 0 ? 1e9 : 0)] as const;
  });
  const whole = new DuplicateWindow();
  const answers = calls.map((call) => whole.addIfNew(...call));
  assert.ok(answers.includes(false) && whole.size > 2048);
  for (const half of [0, 1, 500, 1025, 6000, 11_999]) {
    const first = new DuplicateWindow();
    const early = calls.slice(0, half).map((call) => first.addIfNew(...call));
    const second = DuplicateWindow.restore(bytesNow(first));
    assert.deepEqual(bytesNow(second), bytesNow(first));
    const late = calls.slice(half).map((call) => second.addIfNew(...call));
    assert.deepEqual([...early, ...late], answers);
    assert.deepEqual(bytesNow(second), bytesNow(whole));
  }
});

test('the pages it says are dirty are all that a stored copy needs', () => {
  const window = new DuplicateWindow();
  const section = window.section('duplicates');
  let stored = new Uint8Array(0);
  for (let i = 0; i < 20_000; i++) {
    window.addIfNew(String(i), T0 + i * 200);
    if (i % 137 !== 0) continue;
    const bytes = section.bytes();
    if (stored.length !== bytes.length) stored = new Uint8Array(bytes.length);
    const pages = section.dirtyPages();
    assert.notEqual(pages, 'all');
    for (const page of pages)
      stored.set(bytes.subarray(Number(page) * 16_384, (Number(page) + 1) * 16_384), Number(page) * 16_384);
    section.markClean();
    assert.deepEqual(stored, bytes);
    assert.deepEqual(section.dirtyPages(), []);
  }
  assert.ok(stored.length > 3 * 16_384);
});

test('bytes of another size or with an impossible header are refused', () => {
  const bytes = bytesNow(new DuplicateWindow());
  for (const size of [0, 16, 1000, bytes.length - 16, bytes.length + 16]) {
    assert.throws(() => DuplicateWindow.restore(new Uint8Array(size)), RangeError);
  }
  bytes[1] = 0xff;
  assert.throws(() => DuplicateWindow.restore(bytes), /head 65280/);
});
