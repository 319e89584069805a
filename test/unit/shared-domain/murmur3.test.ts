import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { combineHashes, murmur3, murmur3OfBytes } from '../../../shared/domain/murmur3.ts';
import { murmur3OfInteger } from '../../../shared/domain/murmur3-integer.ts';

const utf8 = new TextEncoder();

const GOLDEN: readonly (readonly [string, number, number])[] = [
  ['', 0, 0],
  ['', 1, 0x514e28b7],
  ['', 0xffffffff, 0x81f16f39],
  ['abc', 0, 0xb3dd93fa],
  ['test', 0, 0xba6bd213],
  ['test', 0x9747b28c, 0x704b81dc],
  ['aaaa', 0x9747b28c, 0x5a97808a],
  ['Hello, world!', 0, 0xc0363e43],
  ['Hello, world!', 0x9747b28c, 0x24884cba],
  ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
  ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
  ['ππππππππ', 0x9747b28c, 0xd58063c1],
];

test('murmur3 of published vectors is what the reference implementation returns', () => {
  for (const [text, seed, expected] of GOLDEN) {
    assert.equal(murmur3(text, seed) >>> 0, expected, JSON.stringify(text));
    assert.equal(murmur3OfBytes(utf8.encode(text), seed) >>> 0, expected, JSON.stringify(text));
  }
});

test('a string hashes as its UTF-8 bytes do, lone surrogates as U+FFFD', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  );
  fc.assert(
    fc.property(anyText, fc.integer(), (text, seed) => {
      assert.equal(murmur3(text, seed), murmur3OfBytes(utf8.encode(text), seed));
    }),
    { numRuns: 2000 },
  );
});

test('a range of bytes hashes as a copy of it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ min: 0, max: 255 }), fc.nat(20), fc.nat(20), (bytes, before, count) => {
      const to = Math.min(bytes.length, before + count);
      const from = Math.min(before, to);
      assert.equal(murmur3OfBytes(bytes, 7, from, to), murmur3OfBytes(bytes.slice(from, to), 7));
    }),
  );
});

test('an integer hashes as its decimal string', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer(), (integer, seed) => {
      assert.equal(murmur3OfInteger(integer, seed), murmur3(String(integer), seed));
    }),
    {
      examples: [
        [0, 1],
        [-0, 1],
        [Number.MAX_SAFE_INTEGER, 1],
        [Number.MIN_SAFE_INTEGER, 1],
      ],
    },
  );
});

test('the order of combined hashes counts', () => {
  const [a, b] = [murmur3('a', 0), murmur3('b', 0)];
  assert.notEqual(combineHashes(combineHashes(1, a), b), combineHashes(combineHashes(1, b), a));
});
