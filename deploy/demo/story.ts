import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Fleet } from '../fleet/fleet.ts';
import type { StackAddresses } from '../local/stack.ts';
import { waitUntil } from '../local/wait-until.ts';
import { actionsOf } from './actions.ts';
import type { Flight } from './flights.ts';
import { FreshnessProbe } from './freshness-probe.ts';
import type { HttpClient } from './http-client.ts';
import { flightsModel, MODEL } from './model.ts';
import { createOperator } from './operator.ts';
import type { Screen } from './screen.ts';
import type { DemoResult } from './result.ts';
import { createTraffic } from './traffic.ts';
import type { TrafficCounts } from './traffic.ts';
import { createWatch } from './watch.ts';
import type { Watched } from './watch.ts';

const BULK_SHARE = 1 / 3;
const WEIGHTS_BP = [0, 1000, 5000, 10_000] as const;

/** What the story is told with. */
export interface StoryDeps {
  readonly fleet: Fleet;
  readonly stack: StackAddresses;
  readonly http: HttpClient;
  readonly screen: Screen;
  readonly flights: readonly Flight[];
}

interface StateView {
  readonly position: number;
  readonly stateDigest: string;
  readonly versions: readonly {
    readonly version: number;
    readonly examplesLearned: number;
    readonly metrics: { logLoss: number | null; baseRateLogLoss: number | null };
  }[];
}

interface ReplayResult {
  readonly digest: string;
  readonly events: number;
  readonly uniqueIds: number;
  readonly examplesLearned: Readonly<Record<string, number>>;
}

/** Learns everything again in a process of its own and returns what came out. */
async function replay(stack: StackAddresses, position: number): Promise<ReplayResult> {
  const script = new URL('./replay-state.ts', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [script, MODEL, String(position)], {
    timeout: 180_000,
    env: {
      ...process.env,
      KAFKA_BROKERS: stack.kafkaBrokers,
      REDIS_URL: stack.redisUrl,
      SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    },
  });
  return JSON.parse(stdout) as ReplayResult;
}

/** Tells the whole story on running services and returns what was measured. */
export async function tellStory({ fleet, stack, http, screen, flights }: StoryDeps): Promise<DemoResult> {
  const urls = Object.fromEntries(fleet.all.map(({ name, url }) => [name, url]));
  const operator = createOperator(http, fleet.one('registry').url, MODEL);
  const watch = createWatch(http, MODEL, urls);
  const probe = new FreshnessProbe();
  const counts: TrafficCounts = {
    events: 0,
    predictions: 0,
    labels: 0,
    failedRequests: 0,
    served: new Map(),
    stalenessMs: 0,
    eventTimeMs: 0,
    failures: [],
  };
  let phase = 'starting';
  let killed: { atMs: number; firstOffset: number | undefined } | undefined;
  let recoveryMs: number | undefined;
  const traffic = createTraffic({
    http,
    routerUrl: fleet.one('router').url,
    ingestUrl: fleet.one('ingest').url,
    model: MODEL,
    probe,
    counts,
    onAnswer: (position) => {
      if (killed?.firstOffset === undefined || recoveryMs !== undefined || position <= killed.firstOffset)
        return;
      recoveryMs = Math.round(performance.now() - killed.atMs);
      screen.say(
        `  the first answer that has learned an event sent after the kill came ${String(recoveryMs)} ms after it`,
      );
    },
    onAcknowledged: (offset) => {
      if (killed !== undefined && recoveryMs === undefined) killed.firstOffset ??= offset;
      else probe.acknowledged(offset, performance.now()); // recovery is timed by itself
    },
  });

  let watched: Watched | undefined;
  let servedBefore = new Map<number, number>();
  const show = async (): Promise<void> => {
    watched = await watch.look();
    const since = [...counts.served].map(([version, count]): [number, number] => [
      version,
      count - (servedBefore.get(version) ?? 0),
    ]);
    servedBefore = new Map(counts.served);
    const total = since.reduce((sum, [, count]) => sum + count, 0);
    screen.show({
      phase: `${phase} · ${new Date(counts.eventTimeMs).toISOString().slice(0, 16).replace('T', ' ')}`,
      events: counts.events + counts.labels,
      predictions: counts.predictions,
      failedRequests: counts.failedRequests,
      logLoss: watched.logLoss,
      baseRateLogLoss: watched.baseRateLogLoss,
      freshnessMs: probe.quantiles().p50 ?? undefined,
      stalenessMs: counts.predictions > 0 ? counts.stalenessMs : undefined,
      lag: watched.lag,
      traffic:
        total === 0
          ? new Map()
          : new Map(
              since
                .filter(([, count]) => count > 0)
                .map(([version, count]) => [version, (100 * count) / total]),
            ),
    });
  };
  const ticker = setInterval(
    () => {
      void show();
    },
    process.stdout.isTTY ? 500 : 2000,
  );

  const stateOf = async (): Promise<StateView> => {
    const { status, body } = await http.send(
      'GET',
      `${fleet.one('online-learner').url}/v1/models/${MODEL}/state`,
    );
    const state = (body as { shards?: StateView[] }).shards?.[0];
    if (status !== 200 || state === undefined) throw new Error(`the learner answers ${String(status)}`);
    return state;
  };
  /** Waits until every event has been learned: published ones, and one for each label. */
  const untilLearned = (limitMs: number): Promise<StateView> =>
    waitUntil(
      async () => {
        const state = await stateOf();
        const learned = state.versions[0]?.examplesLearned ?? 0;
        const expected = counts.events + counts.labels;
        if (learned < expected) throw new Error(`${String(learned)} of ${String(expected)} examples learned`);
        return state;
      },
      { what: 'everything to be learned', limitMs, everyMs: 100 },
    );

  try {
    phase = 'creating the model';
    await operator.createModel(flightsModel);
    const first = await operator.addVersion({ mode: 'cold' });
    await operator.setTraffic({ stable: first });
    await fleet.one('router').untilReady();
    screen.say(`model ${MODEL}: version ${String(first)} learns and has all traffic`);

    const bulk = Math.floor(flights.length * BULK_SHARE);
    phase = `publishing ${String(bulk)} past flights`;
    await traffic.publish(flights.slice(0, bulk));
    await untilLearned(60_000);
    screen.say(`${String(counts.events)} past flights learned`);

    const actions = actionsOf(flights.slice(bulk));
    const half = Math.floor(actions.length / 2);
    const quarter = Math.floor(actions.length / 4);
    phase = 'live traffic';
    await traffic.live(actions.slice(0, quarter));
    const learner = fleet.one('online-learner');
    probe.forget();
    await learner.kill();
    killed = { atMs: performance.now(), firstOffset: undefined };
    screen.say('the online-learner was killed with SIGKILL; it is started again while traffic flows');
    await learner.start();
    phase = 'live traffic, learner restarted';
    await traffic.live(actions.slice(quarter, half));
    await learner.untilReady();

    const second = await operator.addVersion({ mode: 'copy', parent: first, learner: { alpha: 0.05 } });
    screen.say(
      `version ${String(second)} is a copy of version ${String(first)} with learning rate 0.05 instead of 0.1; it learns on`,
    );
    await untilRouterHas(http, fleet.one('router').url, second);
    for (const [index, weight] of WEIGHTS_BP.entries()) {
      await operator.setTraffic({ stable: first, candidate: second, candidateWeightBp: weight });
      screen.say(`the operator gives version ${String(second)} ${String(weight / 100)} % of the traffic`);
      phase = `canary at ${String(weight / 100)} %`;
      const share = (actions.length - half) / WEIGHTS_BP.length;
      await traffic.live(
        actions.slice(half + Math.floor(share * index), half + Math.floor(share * (index + 1))),
      );
    }
    await operator.setTraffic({ stable: second });
    screen.say(`version ${String(second)} is stable; version ${String(first)} learns on in its shadow`);

    phase = 'waiting until everything is learned';
    const state = await untilLearned(120_000);
    await waitUntil(
      async () => {
        const { lag } = await watch.look();
        if (lag !== 0) throw new Error(`lag ${String(lag)}`);
      },
      { what: 'the monitor to catch up', limitMs: 60_000, everyMs: 200 },
    );
    await show();
    clearInterval(ticker);
    screen.settle();
    screen.say('learning everything again from the log, in a process of its own …');
    const again = await replay(stack, state.position);
    const finalWatch = await watch.look();
    const firstVersion = state.versions.find(({ version }) => version === first);
    return {
      events: again.events,
      predictions: counts.predictions,
      failedRequests: counts.failedRequests,
      failures: counts.failures,
      labelsJoined: finalWatch.labelsJoined,
      duplicatesLearned: (firstVersion?.examplesLearned ?? 0) - again.uniqueIds,
      progressiveLogLoss: firstVersion?.metrics.logLoss ?? Number.NaN,
      baseRateLogLoss: firstVersion?.metrics.baseRateLogLoss ?? Number.NaN,
      freshnessMs: probe.quantiles(),
      recoveryMs: recoveryMs ?? null,
      versions: state.versions.map(({ version, examplesLearned, metrics }) => ({
        version,
        examplesLearned,
        logLoss: metrics.logLoss,
        answered: counts.served.get(version) ?? 0,
      })),
      rssMb: finalWatch.rssMb,
      stateDigest: state.stateDigest,
      replayedStateDigest: again.digest,
    };
  } finally {
    clearInterval(ticker);
  }
}

async function untilRouterHas(http: HttpClient, routerUrl: string, version: number): Promise<void> {
  await waitUntil(
    async () => {
      const { status } = await http.send(
        'GET',
        `${routerUrl}/v2/models/${MODEL}/versions/${String(version)}/ready`,
      );
      if (status !== 200) throw new Error(`status ${String(status)}`);
    },
    { what: `the router to have version ${String(version)}`, limitMs: 30_000 },
  );
}
