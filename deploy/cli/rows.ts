import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parse as parseCsv } from 'csv-parse';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { CliError, EXIT } from './io.ts';

/** One row of a file, by column name. */
export type FileRow = Readonly<Record<string, unknown>>;

/** A file of rows. */
export interface RowFile {
  /** How many rows there are; undefined when only reading it tells. */
  readonly rows: number | undefined;
  /** Yields the rows from one on, in order. */
  read(from: number): AsyncGenerator<FileRow>;
}

const PARQUET_AT_ONCE = 10_000;

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return value instanceof Date ? value.getTime() : value;
}

/** Returns a cell of a CSV file: a number or a boolean where it reads as one, null where it is empty. */
export function cellOf(text: string): unknown {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  if (trimmed === 'true' || trimmed === 'false') return trimmed === 'true';
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(trimmed) ? Number(trimmed) : text;
}

async function* csvRows(file: string, from: number): AsyncGenerator<FileRow> {
  const parser = createReadStream(file).pipe(parseCsv({ columns: true, bom: true, skip_empty_lines: true }));
  let at = 0;
  for await (const row of parser as AsyncIterable<Record<string, string>>) {
    if (at >= from) yield Object.fromEntries(Object.entries(row).map(([name, text]) => [name, cellOf(text)]));
    at += 1;
  }
}

async function* ndjsonRows(file: string, from: number): AsyncGenerator<FileRow> {
  let at = 0;
  let lineNumber = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    lineNumber += 1;
    if (line.trim() === '') continue;
    if (at >= from) {
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch (error) {
        throw new CliError(`${file} line ${String(lineNumber)}: ${String(error)}`, EXIT.refused);
      }
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw new CliError(`${file} line ${String(lineNumber)}: not an object`, EXIT.refused);
      yield value as FileRow;
    }
    at += 1;
  }
}

async function parquetFile(file: string): Promise<RowFile> {
  const buffer = await asyncBufferFromFile(file);
  const rows = Number((await parquetMetadataAsync(buffer)).num_rows);
  return {
    rows,
    async *read(from) {
      for (let start = from; start < rows; start += PARQUET_AT_ONCE) {
        const rowEnd = Math.min(rows, start + PARQUET_AT_ONCE);
        const read = await parquetReadObjects({ file: buffer, compressors, rowStart: start, rowEnd });
        for (const row of read)
          yield Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)]));
      }
    },
  };
}

/** Returns a file of rows, read by what its name ends with: .csv, .ndjson, .jsonl or .parquet. */
export async function openRows(file: string): Promise<RowFile> {
  if (!(await stat(file).catch(() => undefined))?.isFile())
    throw new CliError(`${file} is no file`, EXIT.usage);
  if (file.endsWith('.parquet')) return parquetFile(file);
  if (file.endsWith('.csv')) return { rows: undefined, read: (from) => csvRows(file, from) };
  if (/\.(ndjson|jsonl)$/.test(file)) return { rows: undefined, read: (from) => ndjsonRows(file, from) };
  throw new CliError(`${file}, allowed .csv, .ndjson, .jsonl, .parquet`, EXIT.usage);
}
