import assert from 'node:assert/strict';
import { test } from 'node:test';
import avro from 'avsc';
import fc from 'fast-check';
import { typeWithViews } from '../../../shared/events/bytes-views.ts';
import { schemaOf } from '../../../shared/events/codec.ts';
import { deltaOf, fullOf, weightsOf } from '../router/snapshot-records.ts';

const schema = schemaOf('snapshots.v1');
const copying = avro.Type.forSchema(schema);
const viewing = typeWithViews(schema);

function outcomeOf(type: avro.Type, bytes: Buffer): unknown {
  try {
    return { ...(type.fromBuffer(bytes) as object) }; // each type makes objects of a class of its own
  } catch {
    return 'an error';
  }
}

const records = [
  fullOf(weightsOf(0.5)),
  deltaOf(weightsOf(0.25), [1, 5], { position: 110, basePosition: 100 }),
].map(({ graph, indices, weights, means, invStds, ...record }) => ({
  ...record,
  graph: graph && Buffer.from(graph),
  indices: indices && Buffer.from(indices),
  weights: Buffer.from(weights),
  means: Buffer.from(means),
  invStds: Buffer.from(invStds),
}));
const encoded = records.map((record) => copying.toBuffer(record));

test('views have the bytes that copies have, and lie where they were read from', () => {
  for (const [at, bytes] of encoded.entries()) {
    const decoded = viewing.fromBuffer(bytes) as (typeof records)[number];
    assert.deepEqual({ ...decoded }, outcomeOf(copying, bytes));
    assert.deepEqual(viewing.toBuffer(records[at]), bytes);
    for (const view of [decoded.weights, decoded.means, decoded.invStds, decoded.indices, decoded.graph])
      if (view !== null) assert.equal(view.buffer, bytes.buffer);
  }
});

test('of bytes that are cut or spoilt, both make the same, or an error', () => {
  const cut = fc.tuple(fc.constantFrom(...encoded), fc.nat()).map(([bytes, at]) => bytes.subarray(0, at));
  const spoilt = fc
    .tuple(fc.constantFrom(...encoded), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }))
    .map(([bytes, changes]) => {
      const other = Buffer.from(bytes);
      for (const [at, byte] of changes) other[at % other.length] = byte;
      return other;
    });
  fc.assert(
    fc.property(fc.oneof(cut, spoilt), (bytes) => {
      assert.deepEqual(outcomeOf(viewing, bytes), outcomeOf(copying, bytes));
    }),
    { numRuns: 2000 },
  );
});

test('bytes of a negative length are refused', () => {
  const bytes = Buffer.of(1); // -1
  assert.throws(() => void typeWithViews('bytes').fromBuffer(bytes), /truncated buffer/);
});
