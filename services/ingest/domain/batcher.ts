import { recordLength } from '../../../shared/domain/split-by-size.ts';
import type { RecordLimits } from '../../../shared/domain/split-by-size.ts';

/** What a queue is limited by. */
export interface QueueLimits extends RecordLimits {
  /** Most items that may wait. */
  readonly capacity: number;
}

/**
 * Queue of one shard's items: whoever writes takes what has gathered while the last write was under way, so batches grow
 * with the load and a lone item waits for nobody. Holds at most `capacity` items.
 */
export class ShardQueue<Item> {
  readonly #limits: QueueLimits;
  readonly #sizeOf: (item: Item) => number;
  #items: Item[] = [];

  /** @param sizeOf bytes of an item, about */
  constructor(limits: QueueLimits, sizeOf: (item: Item) => number) {
    this.#limits = limits;
    this.#sizeOf = sizeOf;
  }

  get size(): number {
    return this.#items.length;
  }

  /** Returns whether so many more items fit. */
  hasRoom(count: number): boolean {
    return this.#items.length + count <= this.#limits.capacity;
  }

  add(items: readonly Item[]): void {
    for (const item of items) this.#items.push(item);
  }

  /** Returns the oldest items, as many as make one record, and removes them. */
  take(): Item[] {
    return this.#items.splice(0, recordLength(this.#items, this.#sizeOf, this.#limits));
  }
}
