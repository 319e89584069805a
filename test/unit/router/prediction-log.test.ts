import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { writePrediction } from '../../../services/router/domain/prediction-avro.ts';
import { createPredictionLog } from '../../../services/router/prediction-log.ts';
import type { LoggedPrediction, PredictionLog } from '../../../services/router/prediction-log.ts';
import type { OutRecord } from '../../../services/router/ports.ts';
import type { AvroWriter } from '../../../shared/domain/avro-writer.ts';
import { HeadraceError } from '../../../shared/errors.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { predictionsOf, recordingObserver } from './router-world.ts';
import type { Told } from './router-world.ts';
import { clickSpec } from './snapshot-records.ts';

const away = new HeadraceError('broker away', { code: 'kafka-unavailable', retriable: true });
const refused = new HeadraceError('record too large', { code: 'kafka-unavailable', retriable: false });

interface Desk {
  readonly log: PredictionLog;
  readonly told: Told;
  readonly ids: () => string[][];
  readonly pauses: () => number;
  readonly failures: unknown[];
  settle(): Promise<void>;
}

function desk(itemsMax = 100, gather: (work: () => void) => void = setImmediate): Desk {
  const { observe, told } = recordingObserver();
  const sent: OutRecord[] = [];
  const failures: unknown[] = [];
  let pauses = 0;
  const log = createPredictionLog({
    ports: {
      log: silentLog,
      defer: setImmediate,
      gather,
      pause: () => {
        pauses += 1;
        return turn();
      },
      async send(records) {
        await turn();
        const failure = failures.shift();
        if (failure instanceof Error) throw failure;
        sent.push(...records);
      },
      observe,
    },
    router: 'router-1',
    partitions: () => 4,
    capacityBytes: 1000,
    record: { itemsMax, bytesMax: 10_000 },
  });
  return {
    log,
    told,
    ids: () => sent.map(({ value }) => predictionsOf(value).map(({ id }) => id)),
    pauses: () => pauses,
    failures,
    async settle() {
      for (let i = 0; i < 30; i++) await turn();
    },
  };
}

function item(id: string, bytes = 10, model = 'clicks'): LoggedPrediction {
  const prediction = {
    id,
    predictedAtMs: 0,
    subject: 's',
    row: { writeFeatures: () => undefined },
    planVersion: 0,
    assignedArm: 'stable',
    servedVersion: 1,
    assignmentProbability: 1,
    position: 0,
    learnedToMs: null,
    stalenessMs: 0,
    latencyMicros: 0,
    scores: [],
  } as const;
  const spec = { ...clickSpec, name: model, features: [] };
  const writeTo = (writer: AvroWriter): void => {
    writePrediction(writer, prediction, 0);
  };
  return { spec, shard: 0, bytes, traceparent: undefined, writeTo };
}

function add(log: PredictionLog, ...ids: readonly string[]): void {
  for (const id of ids) if (log.reserve('clicks', 10)) log.add(item(id));
}

test('what gathers while a write is under way makes the next record, in order', async () => {
  const { log, ids, settle } = desk();
  add(log, 'a', 'b');
  await turn(); // the write of a and b is under way
  add(log, 'c');
  add(log, 'd');
  await settle();
  assert.deepEqual(ids(), [
    ['a', 'b'],
    ['c', 'd'],
  ]);
});

test('between two writes predictions are gathered as before the first; a full record and an awaited one go at once', async () => {
  const gathering: (() => void)[] = [];
  /** Ends the gathering; returns while the write is under way. */
  const write = async (): Promise<void> => {
    gathering.pop()?.();
    await Promise.resolve();
  };
  const { log, ids, settle } = desk(3, (work) => gathering.push(work));
  add(log, 'a');
  await settle();
  assert.deepEqual(ids(), []);
  await write();
  add(log, 'b');
  await settle();
  assert.deepEqual(ids(), [['a']]);
  add(log, 'c');
  await write();
  add(log, 'd', 'e', 'f');
  await settle();
  assert.deepEqual(ids(), [['a'], ['b', 'c'], ['d', 'e', 'f']]);
  assert.equal(log.reserve('clicks', 10), true);
  const first = log.write(item('g'));
  await turn();
  assert.equal(log.reserve('clicks', 10), true);
  await Promise.all([first, log.write(item('h'))]);
  assert.deepEqual(ids().slice(3), [['g'], ['h']]);
  assert.deepEqual(gathering, []);
});

test('a record holds at most so many predictions', async () => {
  const { log, ids, settle } = desk(2);
  add(log, 'a', 'b', 'c', 'd', 'e');
  await settle();
  assert.deepEqual(ids(), [['a', 'b'], ['c', 'd'], ['e']]);
});

test('models do not wait for each other', async () => {
  const { log, ids, settle } = desk();
  log.reserve('clicks', 20);
  log.add(item('a'));
  log.add(item('b', 10, 'fraud'));
  await settle();
  assert.deepEqual(ids(), [['a'], ['b']]);
});

test('while Kafka is away the same record is tried again, and nothing is lost', async () => {
  const { log, ids, failures, pauses, settle } = desk();
  failures.push(away, away, away);
  add(log, 'a');
  await settle();
  assert.deepEqual(ids(), [['a']]);
  assert.equal(pauses(), 3);
});

test('a record that Kafka refuses for good is dropped, counted, and those after it are written', async () => {
  const { log, ids, failures, told, settle } = desk(2);
  failures.push(refused);
  add(log, 'a', 'b', 'c');
  await settle();
  assert.deepEqual(ids(), [['c']]);
  assert.equal(told.count('logDropped clicks refused 2'), 1);
});

test('room is given back when a prediction is written or dropped', async () => {
  const { log, failures, settle } = desk();
  failures.push(refused);
  assert.equal(log.reserve('clicks', 1000), true);
  assert.equal(log.reserve('clicks', 1), false);
  log.add(item('a', 1000));
  await settle();
  assert.equal(log.reserve('clicks', 1000), true);
});

test('a flush waits for everything for which room was taken', async () => {
  const { log, ids, settle } = desk();
  await log.flush();
  log.reserve('clicks', 10); // answered, and other versions are still scoring it
  let isFlushed = false;
  const flushed = log.flush().then(() => {
    isFlushed = true;
  });
  await settle();
  assert.equal(isFlushed, false);
  log.add(item('a'));
  await flushed;
  assert.deepEqual(ids(), [['a']]);
});

test('after the stop what waits is dropped and counted, nothing is tried again, and acknowledged writes are refused', async () => {
  const { log, ids, failures, told, settle } = desk(1);
  failures.push(away, away);
  add(log, 'a', 'b', 'c');
  await turn(); // a is being written
  log.stop();
  await settle();
  assert.deepEqual(ids(), []);
  assert.equal(told.count('logDropped clicks stopped'), 2); // b and c at the stop, a when its write had failed
  log.reserve('clicks', 10);
  await assert.rejects(log.write(item('d')), /the router is stopping/);
  await log.flush();
});
