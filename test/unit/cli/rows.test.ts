import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { openRows } from '../../../deploy/cli/rows.ts';

const FIXTURES = resolve(import.meta.dirname, '../../fixtures/parquet');

test('a Parquet file is read row by row from anywhere, whatever it is compressed with', async () => {
  for (const codec of ['none', 'snappy', 'zstd']) {
    const file = await openRows(`${FIXTURES}/events-${codec}.parquet`);
    assert.equal(file.rows, 600);
    const all = await Array.fromAsync(file.read(0));
    assert.equal(all.length, 600);
    assert.deepEqual(all[0], {
      colour: 'red',
      size: null,
      isNew: true,
      at: 1_700_000_000_000,
      label: 1,
    });
    assert.deepEqual(all[251], {
      colour: 'blue',
      size: 1,
      isNew: false,
      at: 1_700_000_000_251,
      label: 0,
    });
    assert.deepEqual(await Array.fromAsync(file.read(598)), all.slice(598), codec);
  }
});

test('a file of another kind is refused by its name', async () => {
  await assert.rejects(openRows(import.meta.filename), /rows\.test\.ts, allowed \.csv, \.ndjson/);
});
