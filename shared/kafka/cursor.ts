/**
 * What to do with a batch: take it, from the cursor on; go back to the cursor, because records before it are missing; or go
 * on to the cursor, because all of it has been consumed before.
 */
export type CursorDecision = 'take' | 'seek-back' | 'seek-on';

/**
 * Next offset wanted of each partition. kafkajs can hand over a batch fetched before a seek, from a committed offset far
 * behind our position or from beyond it, and silently moves to the log's start when a position is gone. What is beyond the
 * cursor would be a gap; what is behind it has been consumed, and to consume it again may be too late to be harmless. Batches that hold only markers
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

  /**
   * Returns whether a batch continues where we are: it was fetched from one offset and ends before the other. No cursor
   * means that the partition is not ours.
   */
  decide(key: string, fetchedOffset: number, nextOffset: number): CursorDecision | 'not-ours' {
    const cursor = this.#next.get(key);
    if (cursor === undefined) return 'not-ours';
    if (fetchedOffset > cursor) return 'seek-back';
    return nextOffset <= cursor ? 'seek-on' : 'take';
  }
}
