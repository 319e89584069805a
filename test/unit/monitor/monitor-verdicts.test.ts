import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../../shared/domain/rng.ts';
import type { VerdictEvidence } from '../../../shared/domain/rollout.ts';
import { HeadraceError } from '../../../shared/errors.ts';
import {
  directoryWith,
  MODEL,
  positionsOf,
  ROLLOUT,
  rolloutLogs,
  startMonitorWorld,
} from './monitor-world.ts';
import type { Logs, MemoryStore, MonitorWorld, MonitorWorldOptions } from './monitor-world.ts';

const TOPICS: readonly (keyof Logs)[] = ['predictions.v1', 'training-events.v1'];
const known = (): ReturnType<typeof directoryWith> => directoryWith(ROLLOUT);

async function deliverAll(world: MonitorWorld): Promise<void> {
  let isMore = true;
  while (isMore) {
    isMore = false;
    for (const topic of TOPICS) isMore = (await world.deliver(topic)) || isMore;
  }
}

async function evidenceAfterAll(options: MonitorWorldOptions): Promise<VerdictEvidence> {
  const world = await startMonitorWorld(options);
  await deliverAll(world);
  return JSON.parse(world.monitor.verdict(MODEL)?.evidence ?? 'null') as VerdictEvidence;
}

test('a monitor killed at any batches gives the verdicts of an undisturbed one, number by number', async () => {
  const logs = rolloutLogs(900, 5);
  const undisturbed = await startMonitorWorld({ logs, directory: known, nowMs: clock() });
  await deliverAll(undisturbed);
  const expected = new Map(
    undisturbed.verdicts.map((one) => [JSON.stringify(positionsOf(one)), one.evidence]),
  );
  const rng = createRng(3);
  const store: MemoryStore = { stored: undefined };
  let compared = 0;
  let world = await startMonitorWorld({ logs, store, directory: known, nowMs: clock() });
  let isMore = true;
  while (isMore) {
    isMore = false;
    for (const topic of TOPICS) isMore = (await world.deliver(topic)) || isMore;
    if (rng.next() < 0.2) {
      const kept = store.stored;
      for (const topic of TOPICS) await world.deliver(topic);
      store.stored = kept; // what was delivered since is lost
      world = await startMonitorWorld({ logs, store, directory: known, nowMs: clock() });
    }
    for (const verdict of world.verdicts) {
      const same = expected.get(JSON.stringify(positionsOf(verdict)));
      if (same === undefined) continue;
      assert.equal(verdict.evidence, same);
      compared += 1;
    }
  }
  assert.ok(compared > 50, String(compared));
  assert.equal(world.monitor.verdict(MODEL)?.evidence, undisturbed.monitor.verdict(MODEL)?.evidence);
});

/** Returns a clock on which every look is a second later: every verdict that moved is due. */
function clock(): () => number {
  let nowMs = 0;
  return () => (nowMs += 1000);
}

test('evidence is the same however late the monitor hears of the rollout', async () => {
  const logs = rolloutLogs(400, 6);
  const expected = await evidenceAfterAll({ logs, directory: known });
  let directory = directoryWith(null);
  const late = await evidenceAfterAll({
    logs,
    directory: () => directory,
    onRead: () => {
      directory = known();
    },
  });
  assert.ok(expected.examples > 300);
  assert.deepEqual(late, expected);
});

test('a record that names a plan which is not known is not taken before the version log has been read', async () => {
  const logs = rolloutLogs(20, 7);
  let isAway = true;
  const world = await startMonitorWorld({
    logs,
    directory: () => directoryWith(isAway ? null : ROLLOUT),
    onRead: () => {
      if (isAway) throw new HeadraceError('away', { code: 'kafka-unavailable', retriable: true });
    },
  });
  await assert.rejects(async () => world.deliver('predictions.v1'), /away/);
  isAway = false;
  await world.deliver('predictions.v1');
  assert.equal((JSON.parse(world.monitor.verdict(MODEL)?.evidence ?? '') as VerdictEvidence).requests, 10);
  assert.equal(world.reads(), 1); // the second time the plan was known
});

test('a verdict goes out at once when it changes, else at most every second, and every five without evidence', async () => {
  const logs = rolloutLogs(60, 8, { score: ({ index }) => (index < 10 ? 0.4 : null) });
  let nowMs = 0;
  const world = await startMonitorWorld({ logs, directory: known, nowMs: () => nowMs });
  await world.deliver('predictions.v1');
  assert.deepEqual(
    world.verdicts.map(({ value }) => value),
    ['wait'],
  );
  await world.deliver('predictions.v1');
  await world.deliver('predictions.v1');
  assert.deepEqual(
    world.verdicts.map(({ value }) => value),
    ['wait', 'rollback'],
  );
  nowMs = 900;
  await world.deliver('predictions.v1');
  assert.equal(world.verdicts.length, 2);
  nowMs = 1100;
  await world.deliver('predictions.v1');
  assert.equal(world.verdicts.length, 3);
  nowMs = 6000;
  await world.monitor.tick();
  assert.equal(world.verdicts.length, 3);
  nowMs = 6200;
  await world.monitor.tick();
  assert.equal(world.verdicts.length, 4);
  assert.deepEqual(
    world.verdicts.map(({ step, planVersion, candidate }) => [step, planVersion, candidate])[3],
    [ROLLOUT.stage, ROLLOUT.stagePlanVersion, 2],
  );
});

test('a rollout that is over gets no more verdicts, and can still be looked at', async () => {
  const logs = rolloutLogs(60, 9);
  let rollout = ROLLOUT;
  const world = await startMonitorWorld({ logs, directory: () => directoryWith(rollout) });
  await world.deliver('predictions.v1');
  rollout = { ...ROLLOUT, phase: 'rolledBack', stage: 2 };
  await world.deliver('predictions.v1');
  assert.equal(world.verdicts.length, 1);
  assert.equal(world.monitor.verdict(MODEL)?.step, 2);
  assert.equal(world.monitor.verdict('nobody'), undefined);
});
