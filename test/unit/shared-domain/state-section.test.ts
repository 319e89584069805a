import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bytesOf,
  PAGE_BYTES,
  pageCount,
  pagedSection,
  restoreBytes,
  wholeSection,
} from '../../../shared/domain/state-section.ts';
import { feedStateDigest } from '../../../shared/domain/state-section-digest.ts';

test('a paged section lists its own dirty pages until it is marked clean', () => {
  const pageFlags = Uint8Array.of(0, 3, 0, 1, 2);
  const parts = { bytes: () => new Uint8Array(5 * PAGE_BYTES), pageFlags: () => pageFlags };
  const [one, two] = [
    pagedSection({ name: 'one', flag: 1, ...parts }),
    pagedSection({ name: 'two', flag: 2, ...parts }),
  ];
  assert.deepEqual(one.dirtyPages(), [1, 3]);
  assert.deepEqual(two.dirtyPages(), [1, 4]);
  one.markClean();
  assert.deepEqual(one.dirtyPages(), []);
  assert.deepEqual(two.dirtyPages(), [1, 4]);
});

test('a whole section is always dirty', () => {
  const section = wholeSection('small', () => Uint8Array.of(1));
  section.markClean();
  assert.equal(section.dirtyPages(), 'all');
});

test('the last page may be partly filled', () => {
  assert.deepEqual([0, 1, PAGE_BYTES, PAGE_BYTES + 1].map(pageCount), [0, 1, 1, 2]);
});

test('an array is restored from unaligned bytes of its size and no other', () => {
  const stored = new Uint8Array(17);
  stored.set(bytesOf(Float64Array.of(1.5, -2)), 1);
  const restored = new Float64Array(2);
  restoreBytes(restored, stored.subarray(1), 'x');
  assert.deepEqual([...restored], [1.5, -2]);
  assert.throws(() => {
    restoreBytes(restored, stored, 'x');
  }, /section x: 17 bytes, expected 16/);
});

test('the digest input tells names from bytes and one section from two', () => {
  const canonical = (sections: readonly (readonly [string, string])[]): string => {
    const pieces: number[] = [];
    feedStateDigest(
      sections.map(([name, text]) => wholeSection(name, () => new TextEncoder().encode(text))),
      (bytes) => pieces.push(...bytes),
    );
    return pieces.join();
  };
  const forms = [
    [['ab', 'c']],
    [['a', 'bc']],
    [
      ['a', 'b'],
      ['c', ''],
    ],
    [
      ['a', 'b'],
      ['', 'c'],
    ],
    [
      ['c', ''],
      ['a', 'b'],
    ],
  ] as const;
  assert.equal(new Set(forms.map(canonical)).size, forms.length);
});
