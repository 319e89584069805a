import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import type { Action } from '../../../deploy/demo/actions.ts';
import { createFlow } from '../../../deploy/demo/flow.ts';

const flight = {
  id: 'flight-1',
  route: 'SEA-LAX',
  departureMs: 0,
  landingMs: 1,
  label: 0 as const,
  features: { hour: 1, weekday: 1, origin: 'SEA', destination: 'LAX', route: 'SEA-LAX', distance: 954 },
};
const actions: readonly Action[] = Array.from({ length: 100 }, (_, atMs) => ({
  atMs,
  kind: 'departs',
  flight,
}));

/** Traffic that lives through an action a turn, and remembers when each was. */
function fakeTraffic(): {
  lived: number[];
  live: (of: readonly Action[], isEnough?: () => boolean) => Promise<number>;
} {
  const lived: number[] = [];
  return {
    lived,
    async live(of, isEnough = () => false) {
      let count = 0;
      for (const { atMs } of of) {
        if (isEnough()) break;
        await turn();
        lived.push(atMs);
        count += 1;
      }
      return count;
    },
  };
}

const turns = async (count: number): Promise<void> => {
  for (let done = 0; done < count; done += 1) await turn();
};

test('traffic flows while something is done, and goes on where it was', async () => {
  const traffic = fakeTraffic();
  const flow = createFlow(traffic, actions);
  assert.equal(await flow.during(() => turns(10).then(() => 'done')), 'done');
  assert.ok(traffic.lived.length >= 10 && traffic.lived.length < 20, String(traffic.lived.length));
  assert.equal(flow.hasEnded(), false);
  await flow.finish();
  assert.deepEqual(
    traffic.lived,
    actions.map(({ atMs }) => atMs),
  );
  assert.equal(flow.hasEnded(), true);
});

test('traffic that runs out while something is done says so', async () => {
  const flow = createFlow(fakeTraffic(), actions);
  await flow.during(async () => {
    await turns(200);
    assert.equal(flow.hasEnded(), true);
  });
});

test('work that fails ends the flow and is told', async () => {
  const traffic = fakeTraffic();
  const flow = createFlow(traffic, actions);
  await assert.rejects(
    flow.during(() => Promise.reject(new Error('no'))),
    /no/,
  );
  const { length } = traffic.lived;
  await turns(5);
  assert.equal(traffic.lived.length, length);
});
