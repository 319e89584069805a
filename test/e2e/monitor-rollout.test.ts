import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { waitUntil } from '../../deploy/local/wait-until.ts';
import { canonicalEvent } from '../../shared/domain/version-chain.ts';
import type { ModelVersionEvent, Verdict } from '../../shared/domain/events.ts';
import { createRng } from '../../shared/domain/rng.ts';
import type { RolloutState, VerdictEvidence } from '../../shared/domain/rollout.ts';
import { createCodec } from '../../shared/events/codec.ts';
import { sha256Hex } from '../../shared/events/sha256.ts';
import { logRanges } from '../../shared/kafka/partition-count.ts';
import { createRecordProducer } from '../../shared/kafka/producer.ts';
import { readRange } from '../../shared/kafka/read-range.ts';
import { serveSmallModel } from '../support/small-model.ts';
import { useSystem } from '../support/system.ts';
import { startTraffic } from '../support/traffic.ts';

const MODEL = 'judged';
const system = useSystem({ instances: { monitor: 2 }, env: { CHECKPOINT_INTERVAL_MS: '50' } });

interface VerdictView extends Omit<Verdict, 'evidence'> {
  readonly evidence: VerdictEvidence;
}

async function verdictOf(index: number): Promise<VerdictView> {
  const url = `${system.url('monitor', index)}/v1/models/${MODEL}/verdict`;
  const { status, body } = await system.http.send('GET', url);
  if (status !== 200) throw new Error(`${String(status)} ${JSON.stringify(body)}`);
  return body as VerdictView;
}

async function recordsOf(topic: 'model-versions.v1' | 'verdicts.v1'): Promise<unknown[]> {
  const codec = createCodec(system.stack.schemaRegistryUrl, Date.now);
  const end = (await logRanges(system.kafka, topic)).get(0)?.end ?? 0;
  const values: unknown[] = [];
  for await (const { records } of readRange(system.kafka, { topic, partition: 0, from: 0, to: end })) {
    const bytes = records.map(({ value }) => value);
    await codec.learnWriters(bytes);
    for (const one of bytes) {
      const decoded = one === null ? undefined : codec.decode(topic, one);
      if (decoded?.ok === true) values.push(decoded.value);
    }
  }
  return values;
}

/** Writes the beginning of a rollout in the registry's name: its event, whose number is that of its plan, then the plan. */
async function startRollout(planBefore: number): Promise<void> {
  const last = await waitUntil(
    async () => {
      const found = ((await recordsOf('model-versions.v1')) as ModelVersionEvent[]).at(-1);
      if (found?.plan.planVersion !== planBefore)
        throw new Error(`the last event is ${JSON.stringify(found)}`);
      return found;
    },
    { what: `plan ${String(planBefore)} to be in the log`, limitMs: 10_000, everyMs: 100 },
  );
  const planVersion = last.sequence + 1;
  const plan = { ...last.plan, planVersion };
  const rollout: RolloutState = {
    rolloutId: `${MODEL}/2/1`,
    candidate: 2,
    stable: 1,
    baseline: 1,
    attempt: 1,
    phase: 'canary',
    step: 0,
    stage: 2,
    pausedBecause: null,
    startedAtMs: Date.now(),
    stageBeganAtMs: Date.now(),
    appliedAtMs: Date.now(),
    startPlanVersion: planVersion,
    stagePlanVersion: planVersion,
    startPosition: 0,
    stagePosition: 0,
    extendedMs: 0,
  };
  const unsigned = {
    ...last,
    plan,
    sequence: planVersion,
    eventId: 'rollout-of-the-test',
    kind: 'RolloutStarted',
    version: 2,
    body: JSON.stringify({ rollout, queued: [], because: 'test', evidence: null, validation: null }),
    previousHash: last.hash,
  } as const;
  const hash = sha256Hex([new TextEncoder().encode(canonicalEvent(unsigned))]);
  const codec = createCodec(system.stack.schemaRegistryUrl, Date.now);
  await codec.prepare(['model-versions.v1', 'traffic.v1']);
  const producer = await createRecordProducer(system.kafka, codec);
  const place = { key: MODEL, partition: 0 };
  await producer.send([{ topic: 'model-versions.v1', ...place, value: { ...unsigned, hash } }]);
  const published = { ...plan, publishedAtMs: Date.now(), leaseMs: 0 };
  await producer.send([{ topic: 'traffic.v1', ...place, value: published }]);
  await producer.close();
}

test('a monitor that is killed during a rollout gives the verdicts, number by number, of one that nobody disturbed', async (t) => {
  const [killed, undisturbed] = [system.fleet.one('monitor', 0), system.fleet.one('monitor', 1)];
  await undisturbed.stop();
  await undisturbed.start({ GROUP_ID: 'undisturbed', REDIS_URL: `${system.stack.redisUrl}/1` });
  await undisturbed.untilReady();
  await serveSmallModel(system, MODEL, { label: { windowMs: 1000 } });
  const operator = system.operator(MODEL);
  assert.equal(await operator.addVersion({ mode: 'copy', parent: 1 }), 2);
  const { planVersion } = await operator.setTraffic({ stable: 1, candidate: 2, candidateWeightBp: 3000 });
  const traffic = startTraffic(system, MODEL);
  t.after(() => {
    traffic.abandon();
  });
  await startRollout(planVersion);
  const rng = createRng(11);
  for (const point of ['batch-applied', 'state-captured', 'manifest-flipped', 'batch-settled']) {
    await killed.kill();
    await killed.start({ CRASH_AT: `${point}:${String(1 + rng.int(3))}` });
    await waitUntil(
      () => {
        if (killed.isRunning()) throw new Error('it still runs');
      },
      { what: `${point} to be reached`, limitMs: 20_000, everyMs: 20 },
    );
    await killed.start();
    await pause(600 + rng.int(900));
  }
  await killed.kill();
  await killed.start();
  await traffic.stop();
  const [first, second] = await waitUntil(
    async () => {
      const both = [await verdictOf(0), await verdictOf(1)] as const;
      assert.deepEqual(both[0].evidence.positions, both[1].evidence.positions);
      if (both[0].evidence.examples < 50) throw new Error(`${String(both[0].evidence.examples)} examples`);
      return both;
    },
    { what: 'both monitors to have read everything', limitMs: 30_000, everyMs: 500 },
  );
  assert.deepEqual(first.evidence, second.evidence);
  assert.ok(first.evidence.requests >= first.evidence.examples);
  const verdicts = (await recordsOf('verdicts.v1')) as Verdict[];
  const byPositions = new Map<string, string>();
  for (const { evidence } of verdicts) {
    const positions = JSON.stringify((JSON.parse(evidence) as VerdictEvidence).positions);
    const known = byPositions.get(positions);
    if (known !== undefined) assert.equal(evidence, known);
    byPositions.set(positions, evidence);
  }
  assert.ok(verdicts.length > 10, `${String(verdicts.length)} verdicts`);
});
