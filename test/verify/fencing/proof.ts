import { createRng } from '../../../shared/domain/rng.ts';
import { createRedis } from '../../../shared/redis/connect.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { defineProgram } from '../../support/programs.ts';
import type { Options, ProgramResult } from '../../support/programs.ts';
import { replayState } from '../../support/replay.ts';
import { PARTITIONS, startSystem } from '../../support/system.ts';
import type { StartedSystem } from '../../support/system.ts';
import { nameOn, startModel } from '../model-runs/model-run.ts';
import type { ModelRun } from '../model-runs/model-run.ts';
import { freezeOwner, startSending } from './frozen.ts';
import { interleave } from './interleavings.ts';
import type { InterleavingCounts } from './interleavings.ts';
import { untilOwned } from './learners.ts';
import { disturbMembers } from './rebalances.ts';
import { snapshotTruth } from './truth.ts';

const LEARNERS = 3;
const MODELS = 12;
const SAY_EVERY = 100;

/** What one model ended in. */
interface ModelEnd {
  readonly model: string;
  readonly sent: number;
  readonly learned: number;
  readonly identical: boolean;
  readonly snapshots: number;
  readonly lateSnapshots: number;
  readonly wrongSnapshots: number;
}

async function endOf(system: StartedSystem, { name, sent }: ModelRun): Promise<ModelEnd> {
  const { state } = await untilOwned(system, name, {
    what: `to have learned ${String(sent)} events`,
    isReached: ({ state: { versions } }) => (versions[0]?.examplesLearned ?? 0) >= sent,
  });
  const replayed = await replayState(system.stack, name, state.position);
  const { snapshots, late, wrong } = await snapshotTruth(system, name);
  return {
    model: name,
    sent,
    learned: state.versions[0]?.examplesLearned ?? 0,
    identical: replayed.digest === state.stateDigest,
    snapshots,
    lateSnapshots: late,
    wrongSnapshots: wrong,
  };
}

async function interleaveAll(
  system: StartedSystem,
  interleavings: number,
  seed: number,
  say: (line: string) => void,
): Promise<InterleavingCounts> {
  const redis = createRedis({ url: system.stack.redisUrl, log: silentLog });
  await redis.connect();
  const counts = { losersCalls: 0, losersChanges: 0, losersSaves: 0, wrongStates: 0 };
  for (let index = 0; index < interleavings; index += 1) {
    await interleave(redis, index, seed, counts);
    if (index % SAY_EVERY === SAY_EVERY - 1)
      say(
        `${String(index + 1)} interleavings: ${String(counts.losersCalls)} calls of losers, ${String(counts.losersChanges)} changes`,
      );
  }
  redis.disconnect();
  return counts;
}

function faultsOf(counts: InterleavingCounts, ends: readonly ModelEnd[]): string[] {
  const { losersCalls, losersChanges, losersSaves, wrongStates } = counts;
  return [
    ...(losersCalls === 0 ? ['no call of a loser was seen: nothing was proven'] : []),
    ...(losersChanges > 0 ? [`${String(losersChanges)} calls of losers changed what is stored`] : []),
    ...(losersSaves > 0 ? [`${String(losersSaves)} saves of losers said they had saved`] : []),
    ...(wrongStates > 0 ? [`${String(wrongStates)} stored states are not the last owner's`] : []),
    ...ends.flatMap(({ model, sent, learned, identical, wrongSnapshots }) => [
      ...(learned === sent ? [] : [`${model}: ${String(learned)} learned of ${String(sent)}`]),
      ...(identical ? [] : [`${model}: the state is not that of a replay`]),
      ...(wrongSnapshots === 0
        ? []
        : [`${model}: ${String(wrongSnapshots)} snapshots are not what the log says`]),
    ]),
  ];
}

async function run(
  {
    interleavings,
    freezes,
    rebalances,
    models,
    seed,
  }: Options<'interleavings' | 'freezes' | 'rebalances' | 'models' | 'seed'>,
  say: (line: string) => void,
): Promise<ProgramResult> {
  const rng = createRng(seed);
  const system = await startSystem({
    instances: { router: 0, monitor: 0, 'online-learner': LEARNERS },
    env: { CHECKPOINT_INTERVAL_MS: '50' },
  });
  try {
    const counts = await interleaveAll(system, interleavings, seed, say);
    const runs: ModelRun[] = [];
    for (let n = 0; n < models; n += 1)
      runs.push(await startModel(system, nameOn(n % PARTITIONS, `shared-${String.fromCharCode(97 + n)}`)));
    const stops = runs.map((model) => startSending(system, model));
    const frozenMs: number[] = [];
    for (let freeze = 0; freeze < freezes; freeze += 1) {
      const model = runs[rng.int(runs.length)];
      if (model === undefined) break;
      frozenMs.push(await freezeOwner(system, model, rng));
      say(`learner frozen for ${((frozenMs.at(-1) ?? 0) / 1000).toFixed(1)} s, replaced and woken`);
    }
    const changes = await disturbMembers(system, rebalances, rng);
    say(
      `${String(changes.kills)} learners killed, ${String(changes.stops)} stopped, ${String(changes.starts)} started again`,
    );
    for (const stop of stops) await stop();
    const ends: ModelEnd[] = [];
    for (const model of runs) ends.push(await endOf(system, model));
    const sum = (pick: (end: ModelEnd) => number): string =>
      String(ends.reduce((all, end) => all + pick(end), 0));
    return {
      json: {
        interleavings,
        ...counts,
        freezes: frozenMs.length,
        frozenMs,
        members: changes,
        models: ends,
        seed,
      },
      faults: faultsOf(counts, ends),
      summary: [
        `${String(interleavings)} interleavings of owners: ${String(counts.losersCalls)} calls by losers, ${String(counts.losersChanges)} changed anything, ${String(counts.losersSaves)} claimed to have saved, ${String(counts.wrongStates)} wrong states`,
        `${String(frozenMs.length)} learners frozen, replaced and woken; ${String(LEARNERS)} learners balanced again ${String(changes.kills + changes.stops + changes.starts)} times`,
        `${String(models)} models: ${sum(({ learned }) => learned)} learned of ${sum(({ sent }) => sent)} sent, ${String(ends.filter(({ identical }) => identical).length)} states identical to a replay`,
        `${sum(({ snapshots }) => snapshots)} snapshots held against the log, ${sum(({ lateSnapshots }) => lateSnapshots)} of them sent by a learner that was replaced already, ${sum(({ wrongSnapshots }) => wrongSnapshots)} wrong`,
      ],
    };
  } finally {
    await system.stop();
  }
}

export const program = defineProgram({
  about: 'learners that both believe they own a shard: frozen and woken, interleaved, balanced again',
  options: {
    interleavings: { default: 500, min: 1, max: 100_000, help: 'interleavings of two or three owners' },
    freezes: { default: 6, min: 0, max: 1000, help: 'learners frozen beyond their session' },
    rebalances: { default: 40, min: 0, max: 10_000, help: 'learners killed, stopped or started' },
    models: { default: MODELS, min: 1, max: 26, help: 'models that three learners share' },
    seed: { default: 1, min: 0, max: 1_000_000_000, help: 'seed of orders and moments' },
  },
  run,
});
