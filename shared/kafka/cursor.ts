/** What to do with a batch that was fetched from `fetchedOffset` while the next wanted offset is `cursor`. */
export type CursorDecision = 'take' | 'seek-back';

/**
 * Next offset wanted of each partition. kafkajs can hand over a batch fetched before a seek, and silently moves to the
 * log's start when a position is gone; both show as a batch fetched beyond the cursor. Batches that hold only markers
 * are never delivered but are reported (`skipTo`), so they move the cursor and are not mistaken for a gap.
 */
export class Cursors {
  readonly #next = new Map<string, number>();

  /** Sets the next wanted offset, as after a seek. */
  seek(key: string, offset: number): void {
    this.#next.set(key, offset);
  }

  /** Forgets a partition that is no longer ours. */
  forget(key: string): void {
    this.#next.delete(key);
  }

  /** Returns the next wanted offset, undefined when the partition is not ours. */
  next(key: string): number | undefined {
    return this.#next.get(key);
  }

  /** Moves past offsets that hold nothing for us. Never moves back, never past a gap. */
  skipTo(key: string, fetchedOffset: number, nextOffset: number): void {
    const cursor = this.#next.get(key);
    if (cursor === undefined || fetchedOffset > cursor) return;
    this.#next.set(key, Math.max(cursor, nextOffset));
  }

  /** Returns whether a batch continues where we are; undefined cursor means it is not ours. */
  decide(key: string, fetchedOffset: number): CursorDecision | 'not-ours' {
    const cursor = this.#next.get(key);
    if (cursor === undefined) return 'not-ours';
    return fetchedOffset <= cursor ? 'take' : 'seek-back';
  }
}
