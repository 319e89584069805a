import { readSync } from 'node:fs';
import { moduleOf } from '../../../services/online-learner/domain/kernel-module.ts';
import type { KernelNumber } from '../../../services/online-learner/domain/kernel-module.ts';
import { rowExtent, writeRowTables } from '../../../services/online-learner/domain/row-tables.ts';
import type { RowTables } from '../../../services/online-learner/domain/row-tables.ts';
import { RowHasher } from '../../../shared/domain/row-hasher.ts';
import type { RowSpec } from '../../../services/online-learner/domain/version-learner.ts';
import { TEXT_KERNEL } from './text-kernel-binary.ts';

const LINE_END = 10;
/** Bytes that are read at a time: they stay in the processor's cache. */
const CHUNK_BYTES = 256 * 1024;
/** Longest line. */
const LINE_BYTES_MAX = 64 * 1024;

interface TextExports extends RowTables {
  configure(features: number, numerics: number, crosses: number, parts: number, inputBytes: number): void;
  open(): void;
  read(length: number): number;
  readonly rows: KernelNumber;
  readonly rowBytes: KernelNumber;
  readonly input: KernelNumber;
}

/** Rows as a step takes them, label and weight with them. */
export interface TextRows {
  readonly count: number;
  readonly bytes: Uint8Array;
}

/**
 * Yields the rows of a file of lines that `formatRow` wrote, in order, many at a time: hashed by compiled code as the learner
 * hashes those of a record. What is yielded is valid until the next.
 */
export function* textRows({ features, crosses }: RowSpec, file: number): Generator<TextRows> {
  const hasher = new RowHasher(features, crosses);
  const kernel = new WebAssembly.Instance(moduleOf(TEXT_KERNEL)).exports as unknown as TextExports;
  const { numerics, crosses: crossCount, parts } = rowExtent(hasher);
  kernel.configure(features.length, numerics, crossCount, parts, CHUNK_BYTES + LINE_BYTES_MAX);
  writeRowTables(kernel, hasher);
  const { buffer } = kernel.memory;
  const input = new Uint8Array(buffer, kernel.input.value, CHUNK_BYTES + LINE_BYTES_MAX);
  const rowBytes = kernel.rowBytes.value;
  let held = 0;
  for (;;) {
    const got = readSync(file, input, held, CHUNK_BYTES, null);
    if (got === 0) break;
    const length = held + got;
    const whole = input.lastIndexOf(LINE_END, length - 1) + 1;
    kernel.open();
    for (let count = kernel.read(whole); count > 0; count = kernel.read(whole)) {
      yield { count, bytes: new Uint8Array(buffer, kernel.rows.value, count * rowBytes) };
    }
    held = length - whole;
    if (held > LINE_BYTES_MAX) {
      throw new RangeError(`a line of ${String(held)} bytes or more, allowed ${String(LINE_BYTES_MAX)}`);
    }
    input.copyWithin(0, whole, length);
  }
}
