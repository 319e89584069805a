import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DATA_SETS } from './learner-core/data-set.ts';
import { runMeasured } from './learner-core/python-tools.ts';
import { createRowReader, crossArguments, formatRow } from './learner-core/row-text.ts';
import { syntheticRows } from './learner-core/synthetic-rows.ts';

test('the reader reads the very rows that were written', () => {
  const { spec } = DATA_SETS.synthetic;
  const rows = [...syntheticRows(2000)];
  const bytes = new TextEncoder().encode(rows.map((row) => `${formatRow(spec, row)}\n`).join(''));
  const reader = createRowReader(spec, bytes);
  for (const { label, values } of rows) {
    assert.equal(reader.next(), label);
    assert.deepEqual(
      reader.values,
      values.map((value) => value ?? null),
    );
  }
  assert.equal(reader.next(), -1);
});

test('numbers, names of any length and missing values come back as they were', () => {
  const { spec } = DATA_SETS.flights;
  const values = [16, 0, 'ORD', 'a-name-longer-than-eight', '007', -1.25];
  const text = `${formatRow(spec, { label: 1, values })}\n${formatRow(spec, { label: 0, values: [7] })}\n`;
  const reader = createRowReader(spec, new TextEncoder().encode(text));
  assert.equal(reader.next(), 1);
  assert.deepEqual(reader.values, values);
  assert.equal(reader.next(), 0);
  assert.deepEqual(reader.values, [7, null, null, null, null, null]);
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
