import { partitionOf } from '../../../shared/domain/murmur2.ts';
import { shardKey } from '../../../shared/domain/shard.ts';
import type { KafkaClient } from '../../../shared/kafka/client.ts';
import { offsetAtTime, logRanges } from '../../../shared/kafka/partition-count.ts';
import { HttpProblem } from '../../../shared/http/problem.ts';
import { startFault } from '../domain/start-from.ts';
import type { StartFrom } from '../domain/start-from.ts';

const TOPIC = 'training-events.v1';

/** Returns the offset of training-events.v1 that an operator means, for a model. */
export type StartOf = (model: string, from: StartFrom) => Promise<number>;

/** Returns what finds offsets in the log; one that the log does not have is answered with 422. */
export function createStartOf(kafka: KafkaClient, partitions: number): StartOf {
  return async (model, from) => {
    const partition = partitionOf(shardKey(model, 0), partitions);
    const log = (await logRanges(kafka, TOPIC)).get(partition) ?? { start: 0, end: 0 };
    if (from === 'end') return log.end;
    if (from === 'earliest') return log.start;
    if ('timeMs' in from) return offsetAtTime(kafka, { topic: TOPIC, partition }, from.timeMs, log.end);
    const position = 'milestone' in from ? from.milestone : from.position;
    const fault = startFault(position, log);
    if (fault !== undefined) throw new HttpProblem(422, fault);
    return position;
  };
}
