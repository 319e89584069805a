/** Memory of this process as its runtime counts it. */
export interface MemoryCount {
  /** Objects, those that nobody needs any more included until they are collected, bytes. */
  readonly heapBytes: number;
  /** Buffers and arrays of numbers outside of the heap, bytes. */
  readonly externalBytes: number;
}

/** What a run has taken: so many bytes; undefined when a collection came between and nobody knows. */
export function bytesTaken(before: MemoryCount, after: MemoryCount): number | undefined {
  const heap = after.heapBytes - before.heapBytes;
  const external = after.externalBytes - before.externalBytes;
  return heap < 0 || external < 0 ? undefined : heap + external;
}

/** Returns what was wrong with a run that took so much, in words; undefined when nothing was. */
export function memoryFault(takenBytes: number, limitBytes: number): string | undefined {
  if (takenBytes <= limitBytes) return undefined;
  return `it took ${String(takenBytes)} bytes of memory in one run, allowed ${String(limitBytes)}`;
}
