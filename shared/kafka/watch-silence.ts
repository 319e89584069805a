import type { Consumer } from 'kafkajs';

/** Kafka answers a fetch or a heartbeat at least every second; silence of this long means that it is away, ms. */
const SILENCE_MS = 5000;

/** Returns how to ask whether Kafka has not answered a consumer for so long that it must be away. */
export function watchSilence(consumer: Consumer, nowMs: () => number): () => boolean {
  let heardAtMs = nowMs();
  for (const event of [consumer.events.FETCH, consumer.events.HEARTBEAT, consumer.events.GROUP_JOIN]) {
    consumer.on(event, () => {
      heardAtMs = nowMs();
    });
  }
  return () => nowMs() - heardAtMs > SILENCE_MS;
}
