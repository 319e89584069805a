/** How far one of the join's two topics has been consumed, in one shard. */
export interface Consumed {
  /** Greatest event time consumed, ms since the Unix epoch; 0 before any. */
  readonly eventTimeMs: number;
  /** Whether everything that was on the topic has been consumed. */
  readonly isAtEnd: boolean;
}

/**
 * Returns the event time up to which the join of one shard is complete, ms: the least of what has been consumed of both
 * topics, except that a topic read to its end does not hold it back. So an outage of the reader closes no window: while
 * it catches up, what is still unread holds the watermark. Labels that are unread may have been observed in the same moment
 * as the newest one read, and a label of a window's last moment is in time: so that moment is not complete yet.
 */
export function watermarkOf(predictions: Consumed, labels: Consumed): number {
  if (predictions.isAtEnd && labels.isAtEnd) return Math.max(predictions.eventTimeMs, labels.eventTimeMs);
  if (labels.isAtEnd) return predictions.eventTimeMs;
  const labelledToMs = labels.eventTimeMs - 1;
  return predictions.isAtEnd ? labelledToMs : Math.min(predictions.eventTimeMs, labelledToMs);
}
