import { waitUntil } from '../../../deploy/local/wait-until.ts';
import type { StartedSystem } from '../../support/system.ts';
import { pacedLoad } from '../serving/paced-load.ts';
import { predictTarget, serveModel } from '../serving/served-models.ts';

const CONNECTIONS = 16;

/** Gives a model another graph again and again while it is asked; returns how many requests failed. */
export async function changeArchitectures(
  system: StartedSystem,
  count: number,
  rate: number,
  say: (line: string) => void,
): Promise<{ changes: number; failed: number; answered: number }> {
  const model = 'architectures';
  await serveModel(system, 'flights', { model, tableBits: 12, events: 1000 });
  const operator = system.operator(model);
  const router = system.fleet.one('router');
  const target = predictTarget(router.url, 'flights', model);
  let [failed, answered] = [0, 0];
  const until = { isDone: false };
  const asking = (async (): Promise<void> => {
    while (!until.isDone) {
      const load = await pacedLoad(target, { connections: CONNECTIONS, seconds: 1, rate });
      failed += load.failed;
      answered += load.answered;
    }
  })();
  asking.catch(() => undefined); // awaited below
  let stable = 1;
  try {
    for (let change = 0; change < count; change += 1) {
      const next = await operator.addVersion({ mode: 'cold', learner: { tableBits: 10 + (change % 5) } });
      await waitUntil(
        async () => {
          const url = `${router.url}/v2/models/${model}/versions/${String(next)}/ready`;
          const { status } = await system.http.send('GET', url);
          if (status !== 200) throw new Error(String(status));
        },
        { what: `version ${String(next)} to be ready`, limitMs: 20_000 },
      );
      await operator.setTraffic({ stable: next });
      const path = `${system.url('registry')}/v1/models/${model}/versions/${String(stable)}/retire`;
      await system.http.send('POST', path);
      stable = next;
      if (change % 20 === 19) say(`${String(change + 1)} architectures`);
    }
  } finally {
    until.isDone = true;
    await asking;
  }
  return { changes: count, failed, answered };
}
