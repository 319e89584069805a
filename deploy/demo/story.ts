import type { KafkaClient } from '../../shared/kafka/client.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { StackAddresses } from '../local/stack.ts';
import { waitUntil } from '../local/wait-until.ts';
import { actionsOf } from './actions.ts';
import type { Flight } from './flights.ts';
import { createFlow } from './flow.ts';
import { FreshnessProbe } from './freshness-probe.ts';
import type { HttpClient } from './http-client.ts';
import { createLearned, learnAgain } from './learned.ts';
import { startLiveScreen } from './live-screen.ts';
import { flightsModel, LABEL_WINDOW_MS, MODEL } from './model.ts';
import { createOperator } from './operator.ts';
import { createLogReader } from './read-log.ts';
import type { DemoResult } from './result.ts';
import type { Screen } from './screen.ts';
import { createTraffic } from './traffic.ts';
import type { TrafficCounts } from './traffic.ts';
import { createTrials } from './trials.ts';
import { createWatch } from './watch.ts';

/** So many flights, the last ones, are lived through; the ones before them are past, and published. */
const LIVE_FLIGHTS = 57_500;
/** Predictions before version 2 is made, and before the learner is killed. */
const PREDICTIONS = { second: 500, kill: 2000 } as const;
const RATES = { second: 0.095, bad: 20 } as const;

/** What the story is told with. */
export interface StoryDeps {
  readonly fleet: Fleet;
  readonly stack: StackAddresses;
  readonly kafka: KafkaClient;
  readonly http: HttpClient;
  readonly screen: Screen;
  readonly flights: readonly Flight[];
}

/** Tells the whole story on running services and returns what was measured. */
export async function tellStory({
  fleet,
  stack,
  kafka,
  http,
  screen,
  flights,
}: StoryDeps): Promise<DemoResult> {
  const urls = Object.fromEntries(fleet.all.map(({ name, url }) => [name, url]));
  const learner = fleet.one('online-learner');
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
  const learned = createLearned(http, learner.url, counts);
  const log = createLogReader(kafka, stack.schemaRegistryUrl, MODEL);
  /** When the learner was sent SIGKILL, when it was gone, and where the first event went that was sent after that. */
  let killed: { atMs: number; goneMs: number; firstOffset: number | undefined } | undefined;
  let recoveryMs: number | undefined;
  const traffic = createTraffic({
    http,
    routerUrl: fleet.one('router').url,
    ingestUrl: fleet.one('ingest').url,
    model: MODEL,
    labelWindowMs: LABEL_WINDOW_MS,
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
    onAcknowledged: (offset, sentMs) => {
      if (killed !== undefined && recoveryMs === undefined) {
        if (sentMs > killed.goneMs) killed.firstOffset ??= offset; // one sent before may have been learned before
      } else probe.acknowledged(offset, performance.now()); // recovery is timed by itself
    },
  });
  const past = Math.max(0, flights.length - LIVE_FLIGHTS);
  const flow = createFlow(traffic, actionsOf(flights.slice(past)));
  const everyMs = process.stdout.isTTY ? 500 : 2000;
  const live = startLiveScreen({ screen, watch, counts, probe, everyMs });
  const trials = createTrials({
    operator,
    learned,
    log,
    say: screen.say,
    onPhase: live.phase,
    hasRunOut: flow.hasEnded,
  });

  async function killLearner(): Promise<void> {
    await until(() => counts.predictions >= PREDICTIONS.kill, 'live traffic');
    probe.forget();
    const atMs = performance.now();
    await learner.kill();
    killed = { atMs, goneMs: performance.now(), firstOffset: undefined };
    screen.say('the online-learner was killed with SIGKILL; it is started again while traffic flows');
    await learner.start();
    await learner.untilReady();
    await until(() => recoveryMs !== undefined || flow.hasEnded(), 'the learner to learn on');
  }

  async function rollOut(first: number): Promise<void> {
    live.phase('live traffic');
    await until(() => counts.predictions >= PREDICTIONS.second, 'live traffic');
    const copy = (parent: number, learner = {}): object => ({ mode: 'copy', parent, learner });
    const second = await operator.addVersion(copy(first, { alpha: RATES.second }));
    screen.say(
      `version ${String(second)} is a copy of version ${String(first)} with learning rate ${String(RATES.second)} instead of ${String(flightsModel.learner.alpha)}; its rollout begins, and nobody moves it by hand`,
    );
    await trials.tryVersion(second, 'a slower learning rate', killLearner);
    if (flow.hasEnded()) return;
    const third = await operator.addVersion(copy(second, { alpha: RATES.bad }));
    screen.say(
      `version ${String(third)} is a bad one, injected: a copy of version ${String(second)} with learning rate ${String(RATES.bad)}, which makes it worse`,
    );
    await trials.tryVersion(third, 'injected: a learning rate that makes it worse');
    if (flow.hasEnded()) return;
    const fourth = await operator.addVersion(copy(second));
    screen.say(
      `version ${String(fourth)} throws on some inputs, injected: the router lets runs fail that hold one of 30 % of the rows`,
    );
    await trials.tryVersion(fourth, 'injected: it throws on some inputs');
  }

  try {
    live.phase('creating the model');
    await operator.createModel(flightsModel);
    const first = await operator.addVersion({ mode: 'cold' });
    await operator.setTraffic({ stable: first });
    await fleet.one('router').untilReady();
    screen.say(`model ${MODEL}: version ${String(first)} learns and has all traffic`);

    live.phase(`publishing ${String(past)} past flights`);
    await traffic.publish(flights.slice(0, past));
    await learned.all(120_000);
    screen.say(`${String(counts.events)} past flights learned`);

    await flow.during(() => rollOut(first));
    const hasRunOut = flow.hasEnded();
    live.phase('live traffic, everything is decided');
    await flow.finish();

    live.phase('waiting until everything is learned');
    const state = await learned.all(120_000);
    await waitUntil(
      async () => {
        const { lag } = await watch.look();
        if (lag !== 0) throw new Error(`lag ${String(lag)}`);
      },
      { what: 'the monitor to catch up', limitMs: 60_000, everyMs: 200 },
    );
    await live.show();
    live.stop();
    screen.settle();
    screen.say('learning everything again from the log, in a process of its own …');
    const again = await learnAgain(stack, state.position);
    const { labelsJoined, rssMb } = await watch.look();
    const firstVersion = state.versions.find(({ version }) => version === first);
    return {
      events: again.events,
      predictions: counts.predictions,
      failedRequests: counts.failedRequests,
      failures: counts.failures,
      labelsJoined,
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
      rollouts: await trials.results(),
      hasRunOut,
      brokenLink: await log.brokenLink(),
      rssMb,
      stateDigest: state.stateDigest,
      replayedStateDigest: again.digest,
    };
  } finally {
    live.stop();
  }
}

function until(isSo: () => boolean, what: string): Promise<void> {
  return waitUntil(
    () => {
      if (!isSo()) throw new Error('not yet');
    },
    { what, limitMs: 60_000, everyMs: 20 },
  );
}
