import { setTimeout as pause } from 'node:timers/promises';
import { waitUntil } from '../../../deploy/local/wait-until.ts';
import type { RolloutBody } from '../../../shared/domain/model-directory.ts';
import { createPredictionClient } from '../../support/prediction-client.ts';
import { quantile } from '../../support/figures.ts';
import { rolloutClient } from '../../support/rollouts.ts';
import { smallSpec } from '../../support/small-model.ts';
import { startSystem } from '../../support/system.ts';
import type { StartedSystem } from '../../support/system.ts';

/** The most time from the first bad answer to the decision, ms. */
export const DECISION_LIMIT_MS = 1000;
/** The most requests that the candidate is asked to score until then, in the median. */
export const REQUESTS_LIMIT = 20;

const CANDIDATE = 2;
const ONE_PERCENT_BP = 100;
const GONE_LIMIT_MS = 30_000;

/** From the first failure of a candidate to the decision to take it out. */
export interface Decided {
  /** From the first answer whose candidate failed to the decision, ms. */
  readonly ms: number;
  /** Requests scored by the candidate since its first failure, by the verdict; asked by the client where a router's alarm was first. */
  readonly requests: number;
  /** Whether the monitor's verdict decided, or the router's alarm of a version that it leaves alone. */
  readonly by: 'verdict' | 'alarm';
}

/** What was measured of many of them. */
export interface FirstFailureFigures {
  readonly rounds: readonly Decided[];
  readonly medianMs: number;
  readonly mostMs: number;
  readonly medianRequests: number;
  readonly mostRequests: number;
  readonly verdicts: number;
  readonly alarms: number;
}

/** Brings up a model whose version 2 fails on every row, at 1 % of the subjects and with nobody asking yet. */
async function prepare(system: StartedSystem, model: string): Promise<void> {
  const operator = system.operator(model);
  await operator.createModel(
    smallSpec(model, { rollout: { stepsBp: [ONE_PERCENT_BP, 10_000], leaseMs: 3_600_000 } }),
  );
  await operator.setTraffic({ stable: await operator.addVersion({ mode: 'cold' }) });
  await operator.addVersion({ mode: 'copy' });
  const router = system.fleet.one('router');
  await router.stop();
  await router.start({ INJECT_FAILURES: `${model}/${String(CANDIDATE)}:1` });
  await router.untilReady();
  const rollout = rolloutClient(system, model);
  await rollout.start(CANDIDATE);
  await rollout.command('promote', { to: 'next' });
  await waitUntil(
    async () => {
      const answer = (await rollout.get()) as unknown as {
        rollout: { appliedAtMs: number | null };
      };
      if (answer.rollout.appliedAtMs === null) throw new Error('the step is not applied');
    },
    { what: 'the router to have the step', limitMs: 20_000 },
  );
}

async function decideOnce(system: StartedSystem, model: string, everyMs: number): Promise<Decided> {
  await prepare(system, model);
  const { url } = system.fleet.one('router');
  const client = createPredictionClient();
  const answeredAtMs: number[] = [];
  const rollout = rolloutClient(system, model);
  const until = { isOut: false };
  const asking = (async () => {
    for (let index = 0; !until.isOut; index += 1) {
      const body = { subject: `subject-${String(index)}`, features: { colour: 'red' } };
      const asked = await client.ask([url, url], model, body);
      if (!asked.ok) throw new Error(asked.words);
      answeredAtMs.push(Date.now());
      await pause(everyMs);
    }
  })();
  asking.catch(() => undefined); // awaited below
  try {
    await waitUntil(
      async () => {
        const { phase } = (await rollout.get()).rollout;
        if (phase !== 'rolledBack') throw new Error(`it is ${phase}`);
      },
      { what: `${model} to be rolled back`, limitMs: GONE_LIMIT_MS, everyMs: 20 },
    );
  } finally {
    until.isOut = true;
    await asking;
    client.close();
  }
  const { body } = await system.http.send('GET', `${system.url('registry')}/v1/models/${model}/history`);
  const { events } = body as {
    events: { kind: string; actor: string; atMs: number; body: RolloutBody }[];
  };
  const last = events.findLast(({ kind }) => kind === 'RolloutRolledBack');
  if (last === undefined) throw new TypeError('no rollback in the history');
  const failures = last.body.evidence?.streams.find(({ name }) => name === 'failure')?.count;
  const [first = 0] = answeredAtMs;
  return {
    ms: last.atMs - first,
    requests: failures ?? answeredAtMs.filter((atMs) => atMs <= last.atMs).length,
    by: last.actor === 'monitor' ? 'verdict' : 'alarm',
  };
}

/**
 * Measures how long a candidate that always fails stays in traffic, from its first bad answer to the decision. It has its 1 %
 * before anybody asks: shadow would have shown what it is.
 *
 * @param everyMs time between two requests, ms
 */
export async function measureFirstFailure(
  decisions: number,
  everyMs: number,
  say: (line: string) => void,
): Promise<FirstFailureFigures> {
  const system = await startSystem({ instances: { ingest: 0 } });
  const rounds: Decided[] = [];
  try {
    await decideOnce(system, 'warm-up', everyMs);
    for (let round = 0; round < decisions; round += 1) {
      rounds.push(await decideOnce(system, `failing-${String(round)}`, everyMs));
      if (round % 5 === 4) say(`${String(round + 1)} candidates that fail`);
    }
  } finally {
    await system.stop();
  }
  const ms = rounds.map((one) => one.ms).sort((a, b) => a - b);
  const requests = rounds.map((one) => one.requests).sort((a, b) => a - b);
  const verdicts = rounds.filter(({ by }) => by === 'verdict').length;
  return {
    rounds,
    medianMs: quantile(ms, 0.5),
    mostMs: quantile(ms, 1),
    medianRequests: quantile(requests, 0.5),
    mostRequests: quantile(requests, 1),
    verdicts,
    alarms: rounds.length - verdicts,
  };
}

/** Returns what is too slow, a sentence each. */
export function firstFailureFaults({ mostMs, medianRequests }: FirstFailureFigures): string[] {
  const faults: string[] = [];
  if (mostMs > DECISION_LIMIT_MS)
    faults.push(
      `first bad answer to the decision ${String(mostMs)} ms, allowed ${String(DECISION_LIMIT_MS)} ms`,
    );
  if (medianRequests > REQUESTS_LIMIT)
    faults.push(`median ${String(medianRequests)} requests, allowed ${String(REQUESTS_LIMIT)}`);
  return faults;
}
