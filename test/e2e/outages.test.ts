import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { ServiceName } from '../../deploy/fleet/fleet.ts';
import type { StackComponent } from '../../deploy/local/stack.ts';
import { waitUntil } from '../../deploy/local/wait-until.ts';
import { serveSmallModel, untilLearned } from '../support/small-model.ts';
import { useSystem } from '../support/system.ts';
import { startTraffic } from '../support/traffic.ts';
import type { SteadyTraffic } from '../support/traffic.ts';

const system = useSystem();
const OUTAGE_MS = 20_000;
const RSS_MAX_BYTES = 400e6;

/** Which services say on /readyz that they wait while a component is away and there is traffic. */
const WAITING: Readonly<Record<StackComponent, readonly ServiceName[]>> = {
  'schema-registry': [], // every schema in use is cached: nobody waits
  redis: ['ingest', 'online-learner', 'monitor'],
  kafka: ['ingest', 'online-learner', 'monitor'],
};

async function isWaiting(name: ServiceName): Promise<boolean> {
  const { status } = await system.http.send('GET', `${system.url(name)}/readyz`);
  return status === 503;
}

async function residentBytes(name: ServiceName): Promise<number> {
  const { body } = await system.http.send('GET', `${system.url(name)}/metrics`);
  return Number(/^process_resident_memory_bytes (\S+)/m.exec(String(body))?.[1]);
}

function untilEvents(traffic: SteadyTraffic, count: number, limitMs: number): Promise<void> {
  return waitUntil(
    () => {
      if (traffic.history.events < count)
        throw new Error(`${String(traffic.history.events)} of ${String(count)} events`);
    },
    { what: 'traffic to flow', limitMs, everyMs: 50 },
  );
}

for (const component of ['schema-registry', 'redis', 'kafka'] as const) {
  test(`${component} gone for 20 s under traffic: nothing is lost, memory is bounded, readiness tells, all recovers by itself`, async (t) => {
    const model = `without-${component}`;
    await serveSmallModel(system, model);
    const traffic = startTraffic(system, model);
    t.after(() => {
      traffic.abandon();
    });
    await untilEvents(traffic, 40, 20_000);
    const stoppedAtMs = performance.now();
    await system.stack.stopComponent(component);
    for (const name of WAITING[component]) {
      await waitUntil(
        async () => {
          if (!(await isWaiting(name))) throw new Error('it says it is ready');
        },
        { what: `${name} to say that it waits`, limitMs: 18_000, everyMs: 100 },
      );
    }
    await pause(Math.max(0, OUTAGE_MS - (performance.now() - stoppedAtMs))); // the outage itself, not a wait for a state
    await system.stack.startComponent(component);
    const atReturn = traffic.history.events;
    await untilEvents(traffic, atReturn + 40, 60_000);
    for (const one of system.fleet.all) await one.untilReady(30_000);
    const history = await traffic.stop();
    assert.deepEqual(history.failed, []);
    await untilLearned(system, model, history.events + history.labels, 60_000);
    for (const one of system.fleet.all) {
      const bytes = await residentBytes(one.name);
      assert.ok(bytes < RSS_MAX_BYTES, `${one.name} uses ${String(bytes)} bytes`);
    }
  });
}
