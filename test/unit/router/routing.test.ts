import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepCache } from '../../../services/router/keep-cache.ts';
import { createRouting } from '../../../services/router/routing.ts';
import type { Routing } from '../../../services/router/routing.ts';
import type { PublishedTrafficPlan } from '../../../shared/domain/events.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { createWorld } from './router-world.ts';

const TOPICS = ['model-versions.v1', 'traffic.v1', 'snapshots.v1'];

function planOf(planVersion: number, stable: number): PublishedTrafficPlan {
  const common = { candidate: null, candidateWeightBp: 0, shadows: [], salt: 's', leaseMs: 0 };
  return { model: 'clicks', planVersion, stable, publishedAtMs: planVersion, ...common };
}

interface RoutingWorld {
  readonly routing: Routing;
  readonly ready: Set<number>;
  readonly clock: { nowMs: number };
  stable(): number | null | undefined;
}

const directory = createWorld().models;

function createRoutingWorld(): RoutingWorld {
  const ready = new Set<number>();
  const clock = { nowMs: 0 };
  const now = (): number => clock.nowMs;
  const routing = createRouting({
    nowMs: now,
    monotonicMs: now,
    notReady: (_model, version) => (ready.has(version) ? undefined : 'no snapshot yet'),
    onPlan: () => undefined,
  });
  return { routing, ready, clock, stable: () => routing.plans().get('clicks')?.stable };
}

const cachedPlans = new Map([['clicks', { ...planOf(4, 1), leaseEndsMs: -Infinity }]]);

test('no plan of the past is obeyed: plans count from when they have been read to their end', () => {
  const { routing, stable } = createRoutingWorld();
  routing.waitFor(TOPICS);
  routing.heardDirectory(directory);
  routing.caughtUp('model-versions.v1');
  routing.heardPlan(planOf(3, 1));
  assert.equal(stable(), undefined);
  routing.heardPlan(planOf(4, 2));
  routing.caughtUp('traffic.v1');
  assert.deepEqual([stable(), routing.source(), routing.waitsFor()], [2, 'kafka', ['snapshots.v1']]);
  assert.equal(routing.heardPlan(planOf(5, 1)), true);
  assert.equal(routing.heardPlan({ ...planOf(5, 1), publishedAtMs: 9 }), false, 'it was said again');
  assert.equal(stable(), 1);
});

test('from the disk: answers by its plans until Kafka has said everything and its stable versions are ready', () => {
  const { routing, ready, stable } = createRoutingWorld();
  assert.deepEqual(routing.waitsFor(), ['starting']);
  assert.equal(routing.useCache({ directory, plans: cachedPlans }), true);
  assert.deepEqual(routing.waitsFor(), ['clicks version 1: no snapshot yet']);
  ready.add(1);
  assert.deepEqual([routing.waitsFor(), routing.source(), stable()], [[], 'cache', 1]);

  routing.waitFor(TOPICS);
  routing.heardPlan(planOf(6, 2));
  for (const topic of TOPICS) {
    assert.equal(stable(), 1, topic);
    routing.caughtUp(topic);
  }
  assert.equal(stable(), 1, 'version 2 is not ready');
  ready.add(2);
  routing.settle();
  assert.deepEqual([stable(), routing.source()], [2, 'kafka']);
});

test('a stable version of Kafka’s that does not become ready is waited for no longer than a few seconds', () => {
  const { routing, ready, clock, stable } = createRoutingWorld();
  routing.useCache({ directory, plans: cachedPlans });
  ready.add(1);
  routing.waitFor(TOPICS);
  routing.heardPlan(planOf(6, 2));
  for (const topic of TOPICS) routing.caughtUp(topic);
  clock.nowMs = 4999;
  routing.settle();
  assert.equal(stable(), 1);
  clock.nowMs = 5000;
  routing.settle();
  assert.equal(stable(), 2);
});

test('a disk that comes after Kafka, or has nothing, is not used', () => {
  const { routing, stable } = createRoutingWorld();
  assert.equal(routing.useCache({ directory: new Map(), plans: new Map() }), false);
  routing.waitFor(TOPICS);
  routing.heardPlan(planOf(6, 2));
  for (const topic of TOPICS) routing.caughtUp(topic);
  assert.equal(routing.useCache({ directory, plans: cachedPlans }), false);
  assert.equal(stable(), 2);
});

test('the disk is used when its time has come and not before, and written only by what Kafka has said', async () => {
  const { routing } = createRoutingWorld();
  const pauses: { ms: number; end: () => void; stop: () => void }[] = [];
  let saved = 0;
  let used = 0;
  const keeping = keepCache({
    routing,
    afterMs: 5000,
    intervalMs: 30_000,
    pause: (ms) =>
      new Promise((resolve, reject) => {
        const stop = (): void => {
          reject(new Error('stopped'));
        };
        pauses.push({
          ms,
          end: () => {
            resolve(undefined);
          },
          stop,
        });
      }),
    cache: {
      save: () =>
        Promise.resolve().then(() => {
          saved += 1;
        }),
      restore: () => Promise.resolve({ directory, plans: cachedPlans }),
    },
    onUsed: () => {
      used += 1;
    },
    log: silentLog,
  });
  const settled = async (): Promise<void> => {
    for (let turns = 0; turns < 10; turns += 1) await Promise.resolve();
  };
  assert.deepEqual(
    pauses.map(({ ms }) => ms),
    [5000, 30_000],
  );
  pauses[1]?.end();
  await settled();
  assert.deepEqual([saved, used], [0, 0]);
  pauses[0]?.end();
  await settled();
  assert.deepEqual([used, routing.source()], [1, 'cache']);
  pauses[2]?.end();
  await settled();
  assert.equal(saved, 0, 'the disk is not written from itself');
  routing.waitFor(TOPICS);
  for (const topic of TOPICS) routing.caughtUp(topic);
  pauses[3]?.end();
  await settled();
  assert.equal(saved, 1);
  pauses.at(-1)?.stop();
  await assert.rejects(keeping, /stopped/);
});
