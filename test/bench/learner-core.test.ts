import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { VersionLearner } from '../../services/online-learner/domain/version-learner.ts';
import type { RowSpec } from '../../services/online-learner/domain/version-learner.ts';
import { DATA_SETS } from './learner-core/data-set.ts';
import { runMeasured } from './learner-core/python-tools.ts';
import { crossArguments, formatRow } from './learner-core/row-text.ts';
import type { LabelledRow } from './learner-core/row-text.ts';
import { syntheticRows } from './learner-core/synthetic-rows.ts';
import { textRows } from './learner-core/text-rows.ts';

/** Reads a file of the rows and checks that stepping what was read is stepping the rows. */
async function assertRead(spec: RowSpec, rows: readonly LabelledRow[]): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'headrace-rows-'));
  try {
    await writeFile(join(dir, 'rows.txt'), rows.map((row) => `${formatRow(spec, row)}\n`).join(''));
    const config = { ...DATA_SETS.flights.config, tableBits: 12 };
    const [read, expected] = [1, 2].map(() => VersionLearner.cold(spec, 1, config, 0));
    assert.ok(read !== undefined && expected !== undefined);
    const file = openSync(join(dir, 'rows.txt'), 'r');
    let next = 0;
    for (const { count, bytes } of textRows(spec, file)) {
      read.stepRows(bytes, count);
      for (let row = 0; row < count; row++, next++) {
        const { label = NaN, values = [] } = rows[next] ?? {};
        assert.equal(read.labelOf(row), label);
        assert.equal(read.scoreOf(row), expected.step(values, label, 1).score);
      }
    }
    closeSync(file);
    assert.equal(next, rows.length);
    for (const [place, section] of read.sections().entries()) {
      assert.deepEqual(section.bytes(), expected.sections()[place]?.bytes(), section.name);
    }
  } finally {
    await rm(dir, { recursive: true });
  }
}

test('the reader hashes the very rows that were written', async () => {
  await assertRead(DATA_SETS.synthetic.spec, [...syntheticRows(6000)]);
});

test('numbers, names of any length and missing values come back as they were', async () => {
  const { spec } = DATA_SETS.flights;
  await assertRead(spec, [
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
