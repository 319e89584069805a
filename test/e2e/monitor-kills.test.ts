import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { waitUntil } from '../../deploy/local/wait-until.ts';
import { createRng } from '../../shared/domain/rng.ts';
import { serveSmallModel } from '../support/small-model.ts';
import { useSystem } from '../support/system.ts';
import { startTraffic } from '../support/traffic.ts';

const MODEL = 'watched';
const system = useSystem({ instances: { monitor: 2 }, env: { CHECKPOINT_INTERVAL_MS: '50' } });

interface Report {
  readonly lag: Readonly<Record<string, number>>;
  readonly positions: unknown;
  readonly watermarkMs: unknown;
  readonly labels: { readonly labelled: number; readonly repeated: number };
  readonly labelDelayMs: unknown;
  readonly stalenessMs: unknown;
  readonly versions: unknown;
  readonly arms: unknown;
}

async function reportOf(index: number): Promise<Report> {
  const { status, body } = await system.http.send(
    'GET',
    `${system.url('monitor', index)}/v1/models/${MODEL}/report`,
  );
  if (status !== 200) throw new Error(`${String(status)} ${JSON.stringify(body)}`);
  const report = body as Report;
  const lag = Object.values(report.lag).reduce((sum, records) => sum + records, 0);
  if (lag > 0) throw new Error(`${String(lag)} records behind`);
  return report;
}

test('a monitor that is killed again and again reports what one that nobody disturbed reports', async (t) => {
  const [killed, undisturbed] = [system.fleet.one('monitor', 0), system.fleet.one('monitor', 1)];
  await undisturbed.stop();
  await undisturbed.start({ GROUP_ID: 'undisturbed', REDIS_URL: `${system.stack.redisUrl}/1` });
  await undisturbed.untilReady();
  await serveSmallModel(system, MODEL);
  const traffic = startTraffic(system, MODEL);
  t.after(() => {
    traffic.abandon();
  });
  const rng = createRng(7);
  const points = ['batch-applied', 'state-captured', 'page-written', 'manifest-flipped', 'batch-settled'];
  for (const point of points) {
    await killed.kill();
    await killed.start({ CRASH_AT: `${point}:${String(1 + rng.int(3))}` });
    await waitUntil(
      () => {
        if (killed.isRunning()) throw new Error('it still runs');
      },
      { what: `${point} to be reached`, limitMs: 20_000, everyMs: 20 },
    );
    await killed.start();
    await pause(300 + rng.int(900));
  }
  await killed.kill();
  await killed.start();
  const { labels } = await traffic.stop();
  const [first, second] = await waitUntil(
    async () => {
      const reports = [await reportOf(0), await reportOf(1)] as const;
      for (const report of reports) {
        if (report.labels.labelled !== labels)
          throw new Error(`${String(report.labels.labelled)} of ${String(labels)} labels measured`);
      }
      return reports;
    },
    { what: 'both monitors to have measured everything', limitMs: 30_000, everyMs: 200 },
  );
  for (const part of [
    'positions',
    'watermarkMs',
    'labels',
    'labelDelayMs',
    'stalenessMs',
    'versions',
    'arms',
  ] as const)
    assert.deepEqual(first[part], second[part], part);
});
