/* The program of the thread that reads snapshots.v1: it is started by snapshot-reader.ts and speaks to it alone. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { SpareMemory } from '../../../shared/domain/spare-memory.ts';
import { createCodec } from '../../../shared/events/codec.ts';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import { createKafkaClient } from '../../../shared/kafka/client.ts';
import { followTopic } from '../../../shared/kafka/topic-follower.ts';
import { createLog } from '../../../shared/observability/log.ts';
import { createSnapshotIntakes } from '../domain/snapshot-intakes.ts';
import type { SnapshotNews } from '../domain/snapshot-news.ts';
import { keepFollowing } from './lasting-follower.ts';
import type { LastingFollower } from './lasting-follower.ts';
import type { FromSnapshotThread, SnapshotThreadInput, ToSnapshotThread } from './snapshot-messages.ts';

const TOPIC = 'snapshots.v1';
/** On Linux of this thread alone: whoever waits for an answer goes before whoever waits for parameters. */
const NICE = 5;

const port = parentPort;
if (port === null) throw new TypeError('snapshot-thread.ts is no program of its own');
try {
  setPriority(0, NICE);
} catch {
  // a sandbox may forbid it; only the order of threads on a busy machine depends on it
}
const input = workerData as SnapshotThreadInput;
const log = createLog(input.service, input.logLevel);
const kafka = createKafkaClient({ ...input, log, answers: new SpareMemory() }); // an intake copies what it keeps
const codec = createCodec(input.schemaRegistryUrl, Date.now, { hasViews: true });

function say(message: FromSnapshotThread, moved: ArrayBuffer[] = []): void {
  port?.postMessage(message, moved);
}

/** Says what is new; large arrays are moved, not copied. */
function tell(news: SnapshotNews): void {
  if (news.kind !== 'update') {
    say(news);
    return;
  }
  const { indices, weights } = news.update;
  say(news, indices === null ? [weights.buffer] : [indices.buffer, weights.buffer]);
}

const intakes = createSnapshotIntakes({ sha256: sha256Hex, defer: setImmediate, tell });
const follow = (): LastingFollower =>
  keepFollowing({
    what: TOPIC,
    log,
    begin: async (onFatal) => {
      await codec.prepare([TOPIC]);
      return followTopic({
        topic: TOPIC,
        kafka,
        codec,
        onFatal,
        wants: intakes.wants,
        onRecord: ({ source, value }) => {
          const key = source.key === null ? '' : Buffer.from(source.key).toString('utf8');
          intakes.take(key, value, source.traceparent);
        },
        onUndecodable: ({ topic, partition, offset }, reason) => {
          log.error({ topic, partition, offset, reason }, 'record passed over');
          say({ kind: 'undecodable' });
        },
      });
    },
    onCaughtUp: () => {
      intakes.flush();
      say({ kind: 'caught-up' });
    },
  });

let follower: LastingFollower | undefined;

async function stop(): Promise<void> {
  await follower?.stop().catch(() => undefined);
  process.exit(); // ends this thread
}

port.on('message', (message: ToSnapshotThread) => {
  if (message.kind === 'begin') follower ??= follow();
  else if (message.kind === 'stop') void stop();
  else intakes.hear(message);
});
