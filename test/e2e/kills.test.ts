import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SERVICES } from '../../deploy/fleet/fleet.ts';
import { waitUntil } from '../../deploy/local/wait-until.ts';
import { serveSmallModel, untilLearned } from '../support/small-model.ts';
import { useSystem } from '../support/system.ts';
import { startTraffic } from '../support/traffic.ts';
import type { SteadyTraffic } from '../support/traffic.ts';

const system = useSystem({ instances: { router: 2 } });

function untilEvents(traffic: SteadyTraffic, count: number): Promise<void> {
  return waitUntil(
    () => {
      if (traffic.history.events < count)
        throw new Error(`${String(traffic.history.events)} of ${String(count)} events`);
    },
    { what: 'traffic to flow', limitMs: 60_000, everyMs: 20 },
  );
}

for (const service of SERVICES) {
  test(`killing ${service} during traffic loses no acknowledged event, learns none twice and fails no retried request`, async (t) => {
    const model = `kill-${service}`;
    // A label is told of every answered prediction, so every answer must be in the log before it is given.
    await serveSmallModel(system, model, { predictionLog: 'acknowledged' });
    const traffic = startTraffic(system, model);
    t.after(() => {
      traffic.abandon();
    });
    await untilEvents(traffic, 40);
    const victim = system.fleet.one(service);
    await victim.kill();
    const atKill = traffic.history.events;
    await victim.start();
    await victim.untilReady();
    await untilEvents(traffic, atKill + 60);
    const history = await traffic.stop();
    assert.deepEqual(history.failed, []);
    assert.equal(history.predictions, history.labels);
    const state = await untilLearned(system, model, history.events + history.labels);
    assert.equal(state.versions[0]?.screened, 0);
  });
}
