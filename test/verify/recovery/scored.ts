import { createCodec } from '../../../shared/events/codec.ts';
import { followTopic } from '../../../shared/kafka/topic-follower.ts';
import type { System } from '../../support/system.ts';

/** Returns how many scored events are on scores.v1 for a model, those that were scored again included. */
export async function countScored(system: System, model: string): Promise<number> {
  const codec = createCodec(system.stack.schemaRegistryUrl, Date.now);
  await codec.prepare(['scores.v1']);
  let count = 0;
  const follower = await followTopic({
    topic: 'scores.v1',
    kafka: system.kafka,
    codec,
    onRecord: ({ value }) => {
      if (value?.model === model) count += value.events.length;
    },
    onFatal: (error) => {
      throw error;
    },
  });
  await follower.caughtUp;
  await follower.stop();
  return count;
}
