import assert from 'node:assert/strict';
import { test } from 'node:test';
import { murmur2, partitionOf } from '../../../shared/domain/murmur2.ts';

const utf8 = new TextEncoder();

/** From Apache Kafka's UtilsTest. */
const KAFKA_VECTORS: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

test('murmur2 of the vectors in the tests of Kafka is what the Java client returns', () => {
  for (const [text, expected] of KAFKA_VECTORS) assert.equal(murmur2(utf8.encode(text)), expected, text);
});

test('a key goes to the partition of its non-negative hash', () => {
  for (const [text, hash] of KAFKA_VECTORS)
    assert.equal(partitionOf(text, 12), (hash & 0x7fffffff) % 12, text);
  assert.equal(partitionOf('anything', 1), 0);
});

test('a count of partitions that is not a positive integer is refused', () => {
  for (const partitions of [0, -1, 1.5, NaN]) assert.throws(() => partitionOf('key', partitions), RangeError);
});
