import type { Consumer } from 'kafkajs';
import { isRetriable, messageOf } from '../errors.ts';
import type { Log } from '../observability/log.ts';
import type { TopicPartition } from './consumed.ts';

const PAUSE_MS = 500;

/** Writes positions to the group's offsets now and then, for lag dashboards; nothing reads them back. */
export interface CommitHints {
  /** Remembers a position; it is written within half a second. */
  add(partition: TopicPartition, offset: number): void;
  /** Writes what is not written yet. */
  flush(): Promise<void>;
}

/** Returns the hints of one consumer. A failure to write one is not worth stopping for. */
export function createCommitHints(consumer: Consumer, log: Log, onWritten: () => void): CommitHints {
  const hints = new Map<string, { topic: string; partition: number; offset: string }>();
  let timer: NodeJS.Timeout | undefined;

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (hints.size === 0) return;
    const offsets = [...hints.values()];
    hints.clear();
    try {
      await consumer.commitOffsets(offsets);
      onWritten();
    } catch (error) {
      if (!isRetriable(error)) log.debug({ reason: messageOf(error) }, 'commit hint refused');
    }
  }

  return {
    add({ topic, partition }, offset) {
      hints.set(`${topic}/${String(partition)}`, { topic, partition, offset: String(offset) });
      timer ??= setTimeout(() => void flush(), PAUSE_MS).unref();
    },
    flush,
  };
}
