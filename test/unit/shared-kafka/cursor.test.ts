import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Cursors } from '../../../shared/kafka/cursor.ts';

const KEY = 'labels.v1/0';

test('a partition that was not sought, or was forgotten, is not ours', () => {
  const cursors = new Cursors();
  assert.equal(cursors.decide(KEY, 0, 1), 'not-ours');
  cursors.seek(KEY, 5);
  assert.equal(cursors.next(KEY), 5);
  cursors.forget(KEY);
  assert.equal(cursors.decide(KEY, 5, 6), 'not-ours');
  cursors.skipTo(KEY, 0, 9);
  assert.equal(cursors.next(KEY), undefined);
});

test('a batch fetched at or before the cursor is taken, one beyond it means a gap', () => {
  const cursors = new Cursors();
  cursors.seek(KEY, 5);
  assert.deepEqual(
    [4, 5, 6].map((fetched) => cursors.decide(KEY, fetched, 7)),
    ['take', 'take', 'seek-back'],
  );
});

test('a batch that ends at the cursor or before it has been consumed, one across it is taken', () => {
  const cursors = new Cursors();
  cursors.seek(KEY, 5);
  assert.deepEqual(
    [4, 5, 6].map((next) => cursors.decide(KEY, 0, next)),
    ['seek-on', 'seek-on', 'take'],
  );
});

test('a batch of markers moves the cursor, and the batch after it is no gap', () => {
  const cursors = new Cursors();
  cursors.seek(KEY, 5);
  cursors.skipTo(KEY, 5, 8);
  assert.equal(cursors.decide(KEY, 8, 9), 'take');
});

test('the cursor never moves back and never passes a gap', () => {
  fc.assert(
    fc.property(fc.nat(50), fc.array(fc.tuple(fc.nat(100), fc.nat(10))), (start, skips) => {
      const cursors = new Cursors();
      cursors.seek(KEY, start);
      for (const [fetched, length] of skips) {
        const before = cursors.next(KEY) ?? 0;
        cursors.skipTo(KEY, fetched, fetched + length);
        const after = cursors.next(KEY) ?? 0;
        assert.equal(after, fetched > before ? before : Math.max(before, fetched + length));
      }
    }),
  );
});
