/** First and next-to-be-written offset of a partition. */
export interface OffsetRange {
  readonly start: number;
  readonly end: number;
}

/** Returns why a stored position cannot be continued from in a log of this range, in words, or undefined when it can. */
export function rangeFault(topic: string, position: number, { start, end }: OffsetRange): string | undefined {
  if (position < start)
    return `position ${String(position)} of ${topic} is before the log's start ${String(start)}`;
  if (position > end)
    return `position ${String(position)} of ${topic} is beyond the log's end ${String(end)}`;
  return undefined;
}

/** The last record that a state has read: where it was and the digest of its bytes. */
export interface LastRecord {
  readonly offset: number;
  readonly digest: string;
}

/** Returns the text in which a state keeps its last record. */
export function encodeLastRecord({ offset, digest }: LastRecord): string {
  return `${String(offset)}:${digest}`;
}

/** Returns the last record of a state, undefined when it has read none. */
export function decodeLastRecord(text: string): LastRecord | undefined {
  const [offset, digest] = text.split(':');
  return digest === undefined ? undefined : { offset: Number(offset), digest };
}

/** Returns the sentence for a log whose record is not the one that a state has read. */
export function otherTopicFault(topic: string, { offset }: LastRecord): string {
  return `the record of ${topic} at ${String(offset)} is not the one that was read: the topic is another one`;
}
