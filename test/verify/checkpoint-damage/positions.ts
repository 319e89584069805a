import { waitUntil } from '../../../deploy/local/wait-until.ts';
import { ensureSetup, oneBrokerLayout } from '../../../deploy/topics/setup.ts';
import { learnerState } from '../../support/small-model.ts';
import { PARTITIONS } from '../../support/system.ts';
import type { StartedSystem } from '../../support/system.ts';
import { nameOn, send, series, startModel, untilStored } from '../model-runs/model-run.ts';
import type { ModelRun } from '../model-runs/model-run.ts';

const TOPIC = 'training-events.v1';
const STOP_LIMIT_MS = 30_000;

/** What became of a shard whose position does not fit the log. */
export interface StoppedCase {
  readonly name: string;
  /** What `GET …/state` said. */
  readonly reason: string;
  /** Whether the alarm metric was 1. */
  readonly isAlarmed: boolean;
  /** Whether another model went on learning meanwhile. */
  readonly isAlone: boolean;
  /** Examples learned after the documented command, by what had been learned before and what the log still had. */
  readonly resumed: { readonly expected: number; readonly learned: number };
}

async function untilStopped(system: StartedSystem, { name }: ModelRun, words: string): Promise<string> {
  return waitUntil(
    async () => {
      const url = `${system.url('online-learner')}/v1/models/${name}/state`;
      const { status, body } = await system.http.send('GET', url);
      const { detail = '' } = body as { detail?: string };
      if (status !== 503 || !detail.includes(words))
        throw new Error(`${String(status)} ${JSON.stringify(body)}`);
      return detail;
    },
    { what: `${name} to be stopped because its position ${words}`, limitMs: STOP_LIMIT_MS },
  );
}

async function rangeOf(system: StartedSystem, partition: number): Promise<{ start: number; end: number }> {
  const admin = system.kafka.admin();
  await admin.connect();
  const found = (await admin.fetchTopicOffsets(TOPIC)).find((one) => one.partition === partition);
  await admin.disconnect();
  return { start: Number(found?.low ?? 0), end: Number(found?.high ?? 0) };
}

/** Observes a stopped shard, lets another model learn meanwhile, and has an operator move the shard to the log's start. */
async function observeAndMove(
  system: StartedSystem,
  stopped: {
    readonly name: string;
    readonly model: ModelRun;
    readonly words: string;
  },
  other: ModelRun,
): Promise<StoppedCase> {
  const { name, model, words } = stopped;
  const reason = await untilStopped(system, model, words);
  const alarm = await series(system, 'headrace_learner_stopped_shard', model.name);
  await send(system, other, 50);
  const went = await untilStored(system, other).then(
    () => true,
    () => false,
  );
  const { start, end } = await rangeOf(system, model.partition);
  const url = `${system.url('registry')}/v1/models/${model.name}/position`;
  const { status, body } = await system.http.send('PUT', url, { position: start });
  if (status !== 202) throw new Error(`position: ${String(status)} ${JSON.stringify(body)}`);
  const state = await waitUntil(
    async () => {
      const found = await learnerState(system, model.name);
      if (found.position < end) throw new Error(`position ${String(found.position)} of ${String(end)}`);
      return found;
    },
    { what: `${model.name} to go on`, limitMs: STOP_LIMIT_MS },
  );
  return {
    name,
    reason,
    isAlarmed: [...alarm.values()].join() === '1',
    isAlone: went,
    resumed: { expected: model.sent - model.lost, learned: state.versions[0]?.examplesLearned ?? 0 },
  };
}

/** The log's start moves past the position of a learner that was away. */
export async function beforeTheStart(
  system: StartedSystem,
  model: ModelRun,
  other: ModelRun,
): Promise<StoppedCase> {
  const learner = system.fleet.one('online-learner');
  await untilStored(system, model);
  await learner.kill();
  await send(system, model, 100);
  model.lost += 100;
  const { end } = await rangeOf(system, model.partition);
  const admin = system.kafka.admin();
  await admin.connect();
  await admin.fetchTopicOffsets(TOPIC); // makes this client know who leads the partition
  await admin.deleteTopicRecords({
    topic: TOPIC,
    partitions: [{ partition: model.partition, offset: String(end) }],
  });
  await admin.disconnect();
  await send(system, model, 70);
  await learner.start();
  return observeAndMove(
    system,
    { name: 'a position before the log’s start', model, words: 'before the log' },
    other,
  );
}

async function recreateTopic(system: StartedSystem): Promise<void> {
  const admin = system.kafka.admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [TOPIC] });
  await waitUntil(
    async () => {
      if ((await admin.listTopics()).includes(TOPIC)) throw new Error('it is still there');
    },
    { what: `${TOPIC} to be deleted`, limitMs: STOP_LIMIT_MS },
  );
  await admin.disconnect();
  const layout = oneBrokerLayout(PARTITIONS);
  const setup = { kafka: system.kafka, schemaRegistryUrl: system.stack.schemaRegistryUrl, layout };
  await ensureSetup(setup);
}

/**
 * The topic is deleted and made again: first the learner's position is beyond its end, then, when as much has been written
 * again, the record before the position is another one.
 */
export async function anotherTopic(
  system: StartedSystem,
  model: ModelRun,
  other: ModelRun,
): Promise<StoppedCase[]> {
  const [learner, ingest] = [system.fleet.one('online-learner'), system.fleet.one('ingest')];
  await untilStored(system, model);
  const left = await learnerState(system, other.name);
  await learner.kill();
  await ingest.stop();
  await recreateTopic(system);
  await ingest.start();
  await ingest.untilReady();
  await send(system, model, 10);
  await learner.start();
  const fresh = await startModel(system, nameOn((model.partition + 1) % PARTITIONS, 'after'));
  const beyond = await observeAndMove(
    system,
    { name: 'a position beyond the log’s end', model, words: 'beyond the log' },
    fresh,
  );
  await learner.kill();
  for (let { end } = await rangeOf(system, other.partition); end <= left.position;) {
    await send(system, other, 20);
    ({ end } = await rangeOf(system, other.partition));
  }
  await learner.start();
  const { start } = await rangeOf(system, other.partition);
  if (start !== 0) throw new RangeError(`the log begins at ${String(start)}, expected 0`);
  const mismatch = await observeAndMove(
    system,
    {
      name: 'another record before the position',
      model: other,
      words: 'is not the one that was read',
    },
    model,
  );
  return [beyond, mismatch];
}
