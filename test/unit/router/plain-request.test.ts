import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asciiText } from '../../../services/router/adapters/ascii-text.ts';
import { parsePredict } from '../../../services/router/domain/parse-predict.ts';
import { PlainRequest } from '../../../services/router/domain/plain-request.ts';
import { writeValue } from '../../../services/router/domain/prediction-avro.ts';
import { AvroWriter } from '../../../shared/domain/avro-writer.ts';
import type { FeatureValue, ModelSpec } from '../../../shared/domain/model-spec.ts';
import { RowHasher } from '../../../shared/domain/row-hasher.ts';
import type { HashedRow } from '../../../shared/domain/row-hasher.ts';
import { clickSpec } from './snapshot-records.ts';

const spec: ModelSpec = { ...clickSpec, crosses: [['shop', 'isNew']] };
const plain = new PlainRequest(spec);
const hasher = new RowHasher(spec.features, spec.crosses);

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Returns what a hashed row says: what is absent hashes to nothing. */
function saidBy({ hashes, present, numbers }: HashedRow): object {
  return {
    present: [...present],
    hashes: [...hashes].map((hash, slot) => (present[slot] === 1 ? hash : 0)),
    numbers: [...numbers].map((number, slot) => (present[slot] === 1 ? number : 0)),
  };
}

/** Checks that what is read from bytes, if it is, is what parsing the JSON gives; returns whether it was read. */
function assertAgrees(text: string): boolean {
  // What stands around a body, and what an earlier one has left behind, is not read with it.
  const [around, body] = [bytesOf('"}7'), bytesOf(text)];
  const all = Uint8Array.of(...around, ...body, ...around);
  if (!plain.read(all, around.length, around.length + body.length)) return false;
  const parsed = parsePredict(JSON.parse(text), spec, Number.MAX_SAFE_INTEGER - 1_000_000);
  assert.ok('ask' in parsed, `${text}: ${JSON.stringify(parsed)}`);
  const { subject, id, row, predictedAtMs } = parsed.ask;
  assert.equal(asciiText(body, plain.subjectFrom, plain.subjectTo), subject);
  assert.equal(plain.idTo === 0 ? undefined : asciiText(body, plain.idFrom, plain.idTo), id);
  if (plain.predictedAtMs >= 0) assert.equal(plain.predictedAtMs, predictedAtMs);
  hasher.setRow(row);
  assert.deepEqual(saidBy(plain.hasher.row), saidBy(hasher.row), text);
  assert.deepEqual(
    written((writer) => {
      plain.writeFeatures(writer);
    }),
    written((writer) => {
      writeAll(writer, row);
    }),
    text,
  );
  return true;
}

function written(write: (writer: AvroWriter) => void): Uint8Array {
  const writer = new AvroWriter();
  write(writer);
  return writer.take().bytes;
}

function writeAll(writer: AvroWriter, row: readonly FeatureValue[]): void {
  for (const value of row) writeValue(writer, value);
}

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.maxSafeInteger(),
);
const ascii = fc.stringMatching(/^[ !#-[\]-~]{0,20}$/);
const shop = fc.oneof(ascii, fc.string({ unit: 'grapheme' }), fc.maxSafeInteger(), fc.constant(null), number);
const features = fc.record(
  { shop, isNew: fc.option(fc.boolean()), amount: fc.option(number) },
  { requiredKeys: [] },
);
const request = fc.record(
  {
    subject: fc.oneof(ascii, fc.string()),
    features,
    id: fc.stringMatching(/^[!-~]{1,30}$/),
    predictedAtMs: fc.nat(),
  },
  { requiredKeys: ['features'] },
);
const spaces = fc.constantFrom(undefined, 1, '\t');

test('a plain request is read to the same row, subject, id and log bytes as its parsed JSON', () => {
  let read = 0;
  fc.assert(
    fc.property(request, spaces, (body, space) => {
      if (assertAgrees(JSON.stringify(body, null, space))) read += 1;
    }),
    { numRuns: 2000 },
  );
  assert.ok(read > 300, `${String(read)} of 2000 were plain`);
});

test('whatever a request is spoiled with, it is never read as another one than JSON makes of it', () => {
  const spoiled = fc.tuple(
    request,
    fc.nat(),
    fc.constantFrom('', '"', '\\', '{', '}', ',', ':', '0', '-', '.', 'e', ' ', 'é', '\u0000'),
  );
  fc.assert(
    fc.property(spoiled, ([body, place, piece]) => {
      const text = JSON.stringify(body);
      const at = place % text.length;
      assertAgrees(text.slice(0, at) + piece + text.slice(at + 1));
    }),
    { numRuns: 3000 },
  );
});

test('numbers are those that JSON.parse makes, however they are written', () => {
  const texts = fc.stringMatching(/^-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?$/);
  let read = 0;
  fc.assert(
    fc.property(texts, (text) => {
      if (assertAgrees(`{"subject":"s","features":{"amount":${text}}}`)) read += 1;
    }),
    { numRuns: 3000 },
  );
  assert.ok(read > 2000, String(read));
});

test('what is not plain is left to the parser that has the words', () => {
  const good = '"subject":"s","features":{"shop":"north","isNew":true,"amount":1}';
  assert.ok(assertAgrees(`{${good}}`));
  for (const text of [
    '',
    '[]',
    `{${good}`,
    `{${good}}x`,
    `{${good},"more":1}`,
    `{${good},"subject":"t"}`,
    `{${good},"id":"a b"}`,
    `{${good},"id":""}`,
    `{${good},"id":"${'x'.repeat(121)}"}`,
    `{${good},"predictedAtMs":-1}`,
    `{${good},"predictedAtMs":1.5}`,
    '{"features":{}}',
    '{"subject":"s"}',
    '{"subject":"","features":{}}',
    `{"subject":"${'x'.repeat(257)}","features":{}}`,
    '{"subject":"\\u0041","features":{}}',
    '{"subject":"é","features":{}}',
    '{"subject":"s","features":{"shop":"a","shop":"b"}}',
    '{"subject":"s","features":{"nothing":1}}',
    '{"subject":"s","features":{"shop":true}}',
    '{"subject":"s","features":{"shop":1.5}}',
    `{"subject":"s","features":{"shop":"${'x'.repeat(257)}"}}`,
    '{"subject":"s","features":{"isNew":1}}',
    '{"subject":"s","features":{"isNew":truE}}',
    '{"subject":"s","features":{"amount":"1"}}',
    '{"subject":"s","features":{"amount":01}}',
    '{"subject":"s","features":{"amount":1.}}',
    '{"subject":"s","features":{"amount":.5}}',
    '{"subject":"s","features":{"amount":-}}',
    '{"subject":"s","features":{"amount":1e999}}',
    '{"subject":"s","features":{"amount":[1]}}',
    '{"subject":"s","features":{"amount":1,}}',
  ]) {
    assert.equal(plain.read(bytesOf(text)), false, text);
  }
});
