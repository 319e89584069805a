import { HeadraceError } from '../../shared/errors.ts';
import { decodeLastRecord, otherTopicFault, rangeFault } from '../../shared/domain/position-fault.ts';
import { MONITORED_TOPICS, ShardMonitor } from './domain/shard-monitor.ts';
import type { MonitoredTopic, Positions } from './domain/shard-monitor.ts';
import type { LoadedCheckpoint, MonitorPorts, ShardCheckpoint } from './ports.ts';

/** The last record read of each topic, as `encodeLastRecord` writes it; kept beside the state. */
export type LastRecords = Partial<Record<MonitoredTopic, string>>;

/** A shard's measurements and what they are stored with. */
export interface OpenedShard {
  readonly monitor: ShardMonitor;
  readonly checkpoint: ShardCheckpoint;
  readonly lastRecords: LastRecords;
  /** Positions of the checkpoint it began with; empty when there was none. */
  readonly savedPosition: string;
}

/** Returns why the position in a topic cannot be continued from, or undefined. */
async function topicFault(
  ports: MonitorPorts,
  { topic, partition }: { readonly topic: MonitoredTopic; readonly partition: number },
  position: number,
  lastRecord: string | undefined,
): Promise<string | undefined> {
  const range = (await ports.logRanges(topic)).get(partition);
  if (range === undefined) return `${topic} has no partition ${String(partition)}`;
  const fault = rangeFault(topic, position, range);
  if (fault !== undefined) return fault;
  const last = decodeLastRecord(lastRecord ?? '');
  if (last === undefined || last.offset < range.start) return undefined;
  const isSame = (await ports.digestAt(topic, partition, last.offset)) === last.digest;
  return isSame ? undefined : otherTopicFault(topic, last);
}

function restored(loaded: LoadedCheckpoint): ShardMonitor {
  return ShardMonitor.restore((name) => {
    const bytes = loaded.sections.get(name);
    if (bytes === undefined) throw new RangeError(`the checkpoint has no section ${name}`);
    return bytes;
  });
}

async function beginAnew(ports: MonitorPorts, partition: number): Promise<ShardMonitor> {
  const starts: Record<string, number> = {};
  for (const topic of MONITORED_TOPICS)
    starts[topic] = (await ports.logRanges(topic)).get(partition)?.start ?? 0;
  return new ShardMonitor(starts as Positions);
}

/**
 * Takes a shard over and returns its measurements, by the protocol of the learner's checkpoints: epoch raised, state verified,
 * every position held against the log and the record before it. Returns why not, in words, when they cannot be continued.
 * Throws retriable errors when Redis or Kafka is away.
 */
export async function openShard(
  ports: MonitorPorts,
  shardKey: string,
  partition: number,
): Promise<OpenedShard | string> {
  const checkpoint = ports.openCheckpoint(shardKey);
  try {
    const loaded = await checkpoint.takeOver();
    if (loaded === undefined)
      return { monitor: await beginAnew(ports, partition), checkpoint, lastRecords: {}, savedPosition: '' };
    const monitor = restored(loaded);
    const { lastRecords = {} } = loaded.meta as { lastRecords?: LastRecords };
    for (const topic of MONITORED_TOPICS) {
      const place = { topic, partition };
      const fault = await topicFault(ports, place, monitor.positions[topic], lastRecords[topic]);
      if (fault !== undefined) return fault;
    }
    const savedPosition = loaded.isFallback ? '' : loaded.position;
    return { monitor, checkpoint, lastRecords, savedPosition };
  } catch (error) {
    if (error instanceof RangeError || (error instanceof HeadraceError && !error.retriable))
      return error.message;
    throw error;
  }
}
