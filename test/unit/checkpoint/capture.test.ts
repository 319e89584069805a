import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { captureState } from '../../../shared/checkpoint/capture.ts';
import type { Capture } from '../../../shared/checkpoint/capture.ts';
import { digestOf, pageField, pageOf, parseManifest } from '../../../shared/checkpoint/manifest.ts';
import type { Manifest } from '../../../shared/checkpoint/manifest.ts';
import { PAGE_BYTES, pageCount } from '../../../shared/domain/state-section.ts';
import { PagedState } from '../../contract/checkpoint/paged-state.ts';

function capture(state: PagedState, current?: Manifest): Capture {
  return captureState({ epoch: 3, position: '7', meta: { a: 1 }, sections: state.sections(), current });
}
const fieldsOf = ({ writes }: Capture): string[] => writes.map(({ field }) => field);

/** Returns a section's bytes as a manifest and a store of pages give them. */
function readBack(manifest: Manifest, pages: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const section = manifest.sections.find((one) => one.name === name);
  assert.ok(section !== undefined);
  const parts = section.pages.map(({ slot, digest }, page) => {
    const bytes = pages.get(pageField(name, page, slot));
    assert.ok(bytes !== undefined && digestOf(bytes) === digest, `page ${String(page)} of ${name}`);
    return bytes;
  });
  return Buffer.concat(parts);
}

test('the first picture is of every page, in the first generation', () => {
  const state = new PagedState({ a: PAGE_BYTES + 1, empty: 0 });
  const { manifest, writes } = capture(state);
  assert.deepEqual(
    writes.map(({ field, bytes }) => [field, bytes.length]),
    [
      ['a/0/0', PAGE_BYTES],
      ['a/1/0', 1],
    ],
  );
  assert.deepEqual([manifest.epoch, manifest.position, manifest.meta], [3, '7', { a: 1 }]);
  assert.deepEqual(
    manifest.sections.map(({ name, byteLength, pages }) => [name, byteLength, pages.length]),
    [
      ['a', PAGE_BYTES + 1, 2],
      ['empty', 0, 0],
    ],
  );
});

test('a changed page goes to the other generation each time, the others stay', () => {
  const state = new PagedState({ a: 3 * PAGE_BYTES });
  let { manifest } = capture(state);
  for (const field of ['a/1/1', 'a/1/0', 'a/1/1']) {
    state.write('a', PAGE_BYTES + 5, manifest.sections[0]?.pages[1]?.slot === 0 ? 200 : 201);
    const next = capture(state, manifest);
    assert.deepEqual(fieldsOf(next), [field]);
    manifest = next.manifest;
  }
});

test('a page that was marked but has the same bytes is not written', () => {
  const state = new PagedState({ a: 2 * PAGE_BYTES });
  const { manifest } = capture(state);
  state.write('a', 0, state.contents().get('a')?.[0] ?? 0);
  assert.deepEqual(fieldsOf(capture(state, manifest)), []);
});

test('a picture is a copy: what changes afterwards does not change it', () => {
  const state = new PagedState({ a: 10 });
  const taken = capture(state);
  const before = Uint8Array.from(taken.writes[0]?.bytes ?? []);
  state.write('a', 3, 99);
  assert.deepEqual(taken.writes[0]?.bytes, before);
});

test('a section that grew is compared whole, whatever its marks say', () => {
  const state = new PagedState({ a: PAGE_BYTES + 100 });
  const { manifest } = capture(state);
  const grown = PagedState.of(
    new Map([['a', Buffer.concat([state.contents().get('a') ?? Buffer.of(), Buffer.alloc(PAGE_BYTES, 9)])]]),
  );
  assert.deepEqual(fieldsOf(capture(grown, manifest)), ['a/1/1', 'a/2/0']);
});

test('after any changes the newest picture reads back, and the one before it too', () => {
  const change = fc.record({ at: fc.nat(4 * PAGE_BYTES - 1), value: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 3 }), { minLength: 1, maxLength: 6 }), (rounds) => {
      const state = new PagedState({ a: 4 * PAGE_BYTES });
      const pages = new Map<string, Uint8Array>();
      let current: Manifest | undefined;
      let before: Uint8Array | undefined;
      for (const changes of rounds) {
        for (const { at, value } of changes) state.write('a', at, value);
        const next = capture(state, current);
        for (const { field, bytes } of next.writes) pages.set(field, bytes);
        if (current !== undefined) assert.deepEqual(readBack(current, pages, 'a'), before);
        before = Buffer.from(state.contents().get('a') ?? []);
        assert.deepEqual(readBack(next.manifest, pages, 'a'), before);
        current = next.manifest;
      }
    }),
    { numRuns: 40 },
  );
});

test('pages cover the bytes, the last one is what is left', () => {
  const bytes = new Uint8Array(2 * PAGE_BYTES + 3);
  assert.deepEqual(
    [0, 1, 2].map((page) => pageOf(bytes, page).length),
    [PAGE_BYTES, PAGE_BYTES, 3],
  );
  assert.equal(pageCount(bytes.length), 3);
});

test('a manifest is read when it is the one that was written', () => {
  const { manifest } = capture(new PagedState({ a: PAGE_BYTES + 1 }));
  const text = JSON.stringify(manifest);
  assert.deepEqual(parseManifest(text, digestOf(text)), manifest);
  const faults: readonly [string, string, RegExp][] = [
    [text.slice(0, -1), digestOf(text), /not the one that was written/],
    [text, digestOf('other'), /not the one that was written/],
    [text.replace('"format":1', '"format":2'), '', /^manifest format 2, known 1$/],
    [
      text.replace(`"byteLength":${String(PAGE_BYTES + 1)}`, '"byteLength":5'),
      '',
      /^section a of 5 bytes has 2 pages$/,
    ],
  ];
  for (const [given, digest, words] of faults) {
    const found = parseManifest(given, digest === '' ? digestOf(given) : digest);
    assert.match(typeof found === 'string' ? found : 'sound', words);
  }
});
