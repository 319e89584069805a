import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Snapshot } from '../../../shared/domain/events.ts';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { GoldenRows } from '../../../services/online-learner/domain/golden-rows.ts';
import { ShardLearner } from '../../../services/online-learner/domain/shard-learner.ts';
import type { LearnerPorts, OutRecord } from '../../../services/online-learner/ports.ts';
import { createSnapshotPublisher } from '../../../services/online-learner/snapshot-publisher.ts';
import { createSnapshotIntake } from '../../../services/router/domain/snapshot-intake.ts';
import { streamConfig, streamSpec, syntheticStream } from './synthetic-stream.ts';

/** A publisher of one version, the records that it sent, and a clock that is moved by hand. */
function startPublisher() {
  const learner = new ShardLearner(streamSpec);
  learner.birth(1, { ...streamConfig, tableBits: 16 }, { mode: 'cold' });
  const sent: { records: readonly OutRecord[]; acknowledge(): void; refuse(): void }[] = [];
  const clock = { ms: 0 };
  const ports = {
    log: silentLog,
    nowMs: () => 1_700_000_000_000,
    monotonicMs: () => clock.ms,
    threadCpuMs: () => clock.ms,
    onMoment: () => undefined,
    sha256: sha256Hex,
    graphOf: () => Uint8Array.of(1),
    observe: { snapshot: () => undefined },
    send(records: readonly OutRecord[]) {
      const { promise, resolve, reject } = Promise.withResolvers();
      sent.push({
        records,
        acknowledge: () => {
          resolve([]);
        },
        refuse: () => {
          reject(new Error('no answer'));
        },
      });
      return promise;
    },
  } as unknown as LearnerPorts;
  const publisher = createSnapshotPublisher({
    model: 'clicks',
    shardKey: 'clicks#0',
    shard: 0,
    partition: 0,
    minIntervalMs: 0,
    learner,
    golden: new GoldenRows(streamSpec.features.length),
    incarnation: () => 1,
    learnedToMs: () => null,
    mayPublish: () => true,
    ports,
  });
  const events = syntheticStream(100)[Symbol.iterator]();
  return {
    learner,
    publisher,
    sent,
    learn() {
      const { value } = events.next();
      assert.ok(value);
      learner.apply(value, 1_700_000_000_000);
      learner.position += 1;
    },
    /** Publishes what is due after a while and returns it. */
    async publish() {
      await new Promise(setImmediate); // what was answered has been heard
      clock.ms += 2000;
      publisher.publishDue();
      const last = sent.at(-1);
      assert.ok(last);
      return last;
    },
  };
}

test('a version is whole first, then a delta, then steps; after one that was not acknowledged, though it was heard, whole again', async () => {
  const { learner, publisher, learn, publish } = startPublisher();
  const intake = createSnapshotIntake(sha256Hex);
  const served = new Float32Array(2 ** 16 + 1);
  let keys: string[] = [];
  const passed: string[] = [];
  const hear = ({ records }: { records: readonly OutRecord[] }): void => {
    for (const { key, value } of records) {
      keys.push(key.slice('clicks#0/1/'.length));
      for (const { record, result } of intake.take(value as Snapshot, undefined))
        passed.push(`${record} ${result}`);
    }
    const update = intake.next();
    if (update?.indices === null) served.set(update.weights);
    update?.indices?.forEach((index, i) => (served[index] = update.weights[i] ?? NaN));
    if (update !== undefined) intake.settled(update.id, true);
    assert.deepEqual(served, learner.learner(1).parameters().weights);
  };
  for (let i = 0; i < 3; i += 1) {
    learn();
    const one = await publish();
    hear(one);
    one.acknowledge();
  }
  learn();
  const lost = await publish();
  hear(lost);
  lost.refuse();
  const again = await publish(); // nothing was learned meanwhile: it is at the same place
  hear(again);
  again.acknowledge();
  assert.deepEqual(keys, ['full', 'delta', 'step', 'step/1', 'full']);
  assert.deepEqual(passed, ['full known']); // what was heard and not acknowledged said all of it

  keys = [];
  for (let i = 0; i < 66; i += 1) {
    learn();
    const one = await publish();
    hear(one);
    one.acknowledge();
  }
  const steps = Array.from({ length: 63 }, (_, i) => `step/${String(i + 1)}`);
  assert.deepEqual(keys, ['delta', 'step', ...steps, 'delta', 'step']);
  assert.deepEqual(passed, ['full known', 'delta known']);
  publisher.stop();
});

test('of a retired version every chunk and every step that there may be gets a tombstone', () => {
  const { publisher, sent } = startPublisher();
  void publisher.forget(1, 2 ** 22 + 1);
  const keys = (kind: string): string[] =>
    [kind, `${kind}/1`, `${kind}/2`, `${kind}/3`, `${kind}/4`].map((one) => `clicks#0/1/${one}`);
  const steps = Array.from(
    { length: 64 },
    (_, slot) => `clicks#0/1/step${slot === 0 ? '' : `/${String(slot)}`}`,
  );
  const records = sent.at(-1)?.records ?? [];
  assert.deepEqual(
    records.map(({ key }) => key),
    [...['full', 'delta'].flatMap(keys), ...steps],
  );
  assert.ok(records.every(({ value }) => value === null));
});
