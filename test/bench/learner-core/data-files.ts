import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { cachedDirectory } from '../../../deploy/local/cached-directory.ts';
import { CACHE_DIR } from '../../../deploy/local/data-directory.ts';
import { readFlights } from '../../../deploy/demo/flights.ts';
import { DATA_SETS } from './data-set.ts';
import type { DataSetName } from './data-set.ts';
import { formatRow } from './row-text.ts';
import type { LabelledRow } from './row-text.ts';
import { syntheticRows } from './synthetic-rows.ts';

const FORMAT = 2;
const LINES_A_WRITE = 10_000;
const MILES_A_UNIT = 1000;

/** Where the rows of a data set are, and where a file of no rows is. */
export interface DataFiles {
  readonly rows: string;
  readonly noRows: string;
}

async function rowsOf(name: DataSetName, count: number): Promise<Iterable<LabelledRow>> {
  if (name === 'synthetic') return syntheticRows(count);
  const flights = await readFlights(count);
  return flights.map(({ label, features }) => {
    const { hour, weekday, origin, destination, route, distance } = features;
    return { label, values: [hour, weekday, origin, destination, route, distance / MILES_A_UNIT] };
  });
}

/** Returns the files of a data set's first rows, written now or by an earlier run. Distances are in thousands of miles. */
export async function dataFiles(name: DataSetName, count: number): Promise<DataFiles> {
  const cached = join(CACHE_DIR, `learner-core-rows-${String(FORMAT)}-${name}-${String(count)}`);
  const dir = await cachedDirectory(cached, async (draft) => {
    closeSync(openSync(join(draft, 'no-rows.txt'), 'w'));
    const file = openSync(join(draft, 'rows.txt'), 'w');
    let lines = '';
    let waiting = 0;
    for (const row of await rowsOf(name, count)) {
      lines += `${formatRow(DATA_SETS[name].spec, row)}\n`;
      if (++waiting % LINES_A_WRITE !== 0) continue;
      writeSync(file, lines);
      lines = '';
    }
    writeSync(file, lines);
    closeSync(file);
  });
  return { rows: join(dir, 'rows.txt'), noRows: join(dir, 'no-rows.txt') };
}
