/** Items of one shard waiting to be written together. */
export interface PendingBatch<Item> {
  readonly items: readonly Item[];
}

/**
 * Queue of one shard's items: whoever writes takes what has gathered while the last write was under way, so batches grow
 * with the load and a lone item waits for nobody. Holds at most `capacity` items.
 */
export class ShardQueue<Item> {
  readonly #capacity: number;
  readonly #batchMax: number;
  #items: Item[] = [];

  constructor(capacity: number, batchMax: number) {
    this.#capacity = capacity;
    this.#batchMax = batchMax;
  }

  get size(): number {
    return this.#items.length;
  }

  /** Returns whether so many more items fit. */
  hasRoom(count: number): boolean {
    return this.#items.length + count <= this.#capacity;
  }

  add(items: readonly Item[]): void {
    for (const item of items) this.#items.push(item);
  }

  /** Returns the oldest items, at most one batch of them, and removes them. */
  take(): Item[] {
    return this.#items.splice(0, this.#batchMax);
  }
}
