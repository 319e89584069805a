import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RowSpec } from '../../services/online-learner/domain/version-learner.ts';
import { RowHasher } from '../../shared/domain/row-hasher.ts';
import type { HashedRow } from '../../shared/domain/row-hasher.ts';
import { DATA_SETS } from './learner-core/data-set.ts';
import { runMeasured } from './learner-core/python-tools.ts';
import { createRowReader, crossArguments, formatRow } from './learner-core/row-text.ts';
import type { LabelledRow } from './learner-core/row-text.ts';
import { syntheticRows } from './learner-core/synthetic-rows.ts';

/** Returns a copy of a hashed row: what is absent hashes to nothing. */
function copyOf({ hashes, present, numbers }: HashedRow): object {
  return {
    present: [...present],
    hashes: [...hashes].map((hash, slot) => (present[slot] === 1 ? hash : 0)),
    numbers: [...numbers].map((number, slot) => (present[slot] === 1 ? number : 0)),
  };
}

/** Reads text and checks that each row is what hashing its values gives. */
function assertRead(spec: RowSpec, rows: readonly LabelledRow[]): void {
  const text = rows.map((row) => `${formatRow(spec, row)}\n`).join('');
  const [read, expected] = [1, 2].map(() => new RowHasher(spec.features, spec.crosses));
  assert.ok(read !== undefined && expected !== undefined);
  const reader = createRowReader(spec, new TextEncoder().encode(text), read);
  for (const { label, values } of rows) {
    assert.equal(reader.next(), label);
    expected.setRow(values);
    assert.deepEqual(copyOf(read.row), copyOf(expected.row));
  }
  assert.equal(reader.next(), -1);
}

test('the reader hashes the very rows that were written', () => {
  assertRead(DATA_SETS.synthetic.spec, [...syntheticRows(2000)]);
});

test('numbers, names of any length and missing values come back as they were', () => {
  const { spec } = DATA_SETS.flights;
  assertRead(spec, [
    { label: 1, values: [16, 0, 'ORD', 'a-name-longer-than-eight', '007', -1.25] },
    { label: 0, values: [7] },
  ]);
  assert.deepEqual(crossArguments(spec), ['--interactions', 'AC', '--interactions', 'AD']);
});

test('a measured process is charged for its own work, whatever language it is in', async () => {
  const inNode = ['-e', 'let s = 0; for (let i = 0; i < 3e7; i++) s += i; console.log(s > 0)'];
  const inPython = ['-c', 'print(sum(range(5_000_000)) > 0)'];
  for (const { output, usage } of [
    await runMeasured(process.execPath, inNode),
    await runMeasured('python3', inPython),
  ]) {
    assert.match(output, /^true$/im);
    assert.ok(usage.cpuSeconds > 0.01 && usage.wallSeconds > 0);
  }
});
