import { KIND } from '../../../shared/domain/row-hasher.ts';
import type { RowHasher } from '../../../shared/domain/row-hasher.ts';
import type { KernelNumber } from './kernel-module.ts';

/** Where a kernel that hashes rows (`../kernel/reader/rows.ts`) keeps what it hashes with. */
export interface RowTables {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly kinds: KernelNumber;
  readonly numericOf: KernelNumber;
  readonly seeds: KernelNumber;
  readonly trueHashes: KernelNumber;
  readonly falseHashes: KernelNumber;
  readonly crossSeeds: KernelNumber;
  readonly parts: KernelNumber;
  readonly partsEnd: KernelNumber;
}

/** Returns for how much a kernel that hashes as this hasher does has to make room. */
export function rowExtent({ kinds, tables }: RowHasher): {
  numerics: number;
  crosses: number;
  parts: number;
} {
  const numerics = kinds.filter((kind) => kind === KIND.numeric).length;
  return { numerics, crosses: tables.crossSeeds.length, parts: tables.parts.length };
}

/** Gives a kernel what the hasher hashes with, so that both hash alike. */
export function writeRowTables(kernel: RowTables, { kinds, tables }: RowHasher): void {
  const { buffer } = kernel.memory;
  let numerics = 0;
  const numericOf = Int32Array.from(kinds, (kind) => (kind === KIND.numeric ? numerics++ : -1));
  new Uint8Array(buffer, kernel.kinds.value, kinds.length).set(kinds);
  const ints = { ...tables, numericOf };
  for (const name of Object.keys(ints) as (keyof typeof ints)[]) {
    new Int32Array(buffer, kernel[name].value, ints[name].length).set(ints[name]);
  }
}
