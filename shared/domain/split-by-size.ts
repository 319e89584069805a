import type { FeatureValue } from './model-spec.ts';

/** Limits of one record. */
export interface RecordLimits {
  readonly itemsMax: number;
  /** Bytes of all items together; a larger item stands alone. */
  readonly bytesMax: number;
}

/** Bytes that a record of events or predictions is kept to: well below what the broker accepts. */
export const RECORD_BYTES = 512 * 1024;

/** Bytes that ids, times, numbers and scores of one item take at most, beside its texts. */
const FIXED_BYTES = 256;

/** Returns how many items, from the front, make one record: at least one when there are any. */
export function recordLength<Item>(
  items: readonly Item[],
  sizeOf: (item: Item) => number,
  limits: RecordLimits,
): number {
  let bytes = 0;
  for (const [index, item] of items.entries()) {
    bytes += sizeOf(item);
    if (index >= limits.itemsMax || (index > 0 && bytes > limits.bytesMax)) return index;
  }
  return items.length;
}

/** Returns the items in records, in their order. */
export function splitBySize<Item>(
  items: readonly Item[],
  sizeOf: (item: Item) => number,
  limits: RecordLimits,
): (readonly Item[])[] {
  const records: (readonly Item[])[] = [];
  for (let from = 0; from < items.length;) {
    const rest = items.slice(from, from + limits.itemsMax);
    const length = recordLength(rest, sizeOf, limits);
    records.push(rest.slice(0, length));
    from += length;
  }
  return records;
}

/** Returns about how many bytes a row and its id and subject take; never less than they do in Avro. */
export function itemBytes(item: { id: string; subject: string; features: readonly FeatureValue[] }): number {
  let bytes = FIXED_BYTES + 3 * (item.id.length + item.subject.length);
  for (const value of item.features) bytes += typeof value === 'string' ? 4 + 3 * value.length : 10;
  return bytes;
}
