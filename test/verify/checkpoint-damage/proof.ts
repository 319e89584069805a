import { createRng } from '../../../shared/domain/rng.ts';
import { createRedis } from '../../../shared/redis/connect.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { defineProgram } from '../../support/programs.ts';
import type { Options, ProgramResult } from '../../support/programs.ts';
import { replayState } from '../../support/replay.ts';
import { startSystem } from '../../support/system.ts';
import type { StartedSystem } from '../../support/system.ts';
import { DAMAGES } from './damages.ts';
import type { Damage, Expected, StoredState } from './damages.ts';
import { nameOn, send, series, startModel, untilStored } from '../model-runs/model-run.ts';
import type { ModelRun } from '../model-runs/model-run.ts';
import { anotherTopic, beforeTheStart } from './positions.ts';
import type { StoppedCase } from './positions.ts';
import { storedMilestones } from './stored-milestones.ts';

/** Events between two checkpoints, so that some pages differ. */
const BETWEEN_CHECKPOINTS = 40;
/** The least that the setting allows: milestones of events are made on the way. */
const MILESTONE_EVENTS = 1000;

/** What became of a damaged state. */
interface DamagedCase {
  readonly name: string;
  readonly expected: Expected;
  /** What the learner went on from, by its metrics. */
  readonly from: string;
  /** Whether the alarm metric counted it. */
  readonly isDetected: boolean;
  readonly isIdentical: boolean;
}

/** Leaves two generations of checkpoints that differ in some pages, damages what is stored, and lets the learner go on. */
async function damageOnce(
  system: StartedSystem,
  model: ModelRun,
  stored: StoredState,
  damage: Damage,
): Promise<DamagedCase> {
  const learner = system.fleet.one('online-learner');
  for (let generation = 0; generation < 2; generation += 1) {
    await send(system, model, BETWEEN_CHECKPOINTS);
    await untilStored(system, model);
  }
  await learner.kill();
  await send(system, model, BETWEEN_CHECKPOINTS);
  await damage.apply(stored);
  await learner.start();
  const state = await untilStored(system, model);
  const opened = await series(system, 'headrace_learner_opened_shards_total', model.name);
  const damaged = await series(system, 'headrace_learner_damaged_checkpoints_total', model.name);
  const replayed = await replayState(system.stack, model.name, state.position);
  const from = [...opened].flatMap(([labels, n]) =>
    n > 0 ? [/from="([^"]+)"/.exec(labels)?.[1] ?? ''] : [],
  );
  return {
    name: damage.name,
    expected: damage.expected,
    from: from.join(),
    isDetected: [...damaged.values()].some((count) => count > 0),
    isIdentical: replayed.digest === state.stateDigest,
  };
}

function faultsOf(damages: readonly DamagedCase[], stopped: readonly StoppedCase[]): string[] {
  return [
    ...damages.flatMap(({ name, expected, from, isDetected, isIdentical }) => [
      ...(from === expected ? [] : [`${name}: went on from ${from}, expected ${expected}`]),
      ...(isDetected ? [] : [`${name}: no alarm was raised`]),
      ...(isIdentical ? [] : [`${name}: the state is not that of a replay`]),
    ]),
    ...stopped.flatMap(({ name, isAlarmed, isAlone, resumed: { expected, learned } }) => [
      ...(isAlarmed ? [] : [`${name}: no alarm was raised`]),
      ...(isAlone ? [] : [`${name}: another model did not go on`]),
      ...(learned === expected
        ? []
        : [`${name}: ${String(learned)} learned afterwards, expected ${String(expected)}`]),
    ]),
  ];
}

async function run(
  { rounds, damages: kinds, seed }: Options<'rounds' | 'damages' | 'seed'>,
  say: (line: string) => void,
): Promise<ProgramResult> {
  const rng = createRng(seed);
  const system = await startSystem({
    instances: { router: 0, monitor: 0 },
    env: { CHECKPOINT_INTERVAL_MS: '20', MILESTONE_EVENTS: String(MILESTONE_EVENTS) },
  });
  const redis = createRedis({ url: system.stack.redisUrl, log: silentLog });
  try {
    await redis.connect();
    const model = await startModel(system, nameOn(0, 'damaged'));
    const other = await startModel(system, nameOn(1, 'beside'));
    await send(system, other, 60);
    await send(system, model, 2 * MILESTONE_EVENTS + 500);
    await untilStored(system, model);
    const prefix = `{headrace:learner:${model.name}#0}`;
    const stored = {
      redis,
      head: `${prefix}:head`,
      pages: `${prefix}:pages`,
      milestones: storedMilestones(system, model.name),
      rng,
    };
    const damages: DamagedCase[] = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const damage of DAMAGES.slice(0, kinds)) {
        const found = await damageOnce(system, model, stored, damage);
        damages.push(found);
        const how = found.isIdentical ? 'identical' : 'NOT IDENTICAL';
        say(
          `${found.name}: ${found.isDetected ? 'detected' : 'NOT DETECTED'}, went on from ${found.from}, ${how}`,
        );
        if (damage.expected === 'log') {
          await send(system, model, 2 * MILESTONE_EVENTS); // new milestones for the next ones to fall back to
          await untilStored(system, model);
        }
      }
    }
    const stopped = [
      await beforeTheStart(system, model, other),
      ...(await anotherTopic(system, model, other)),
    ];
    for (const { name, reason } of stopped) say(`${name}: ${reason}`);
    return {
      json: { damages, stopped, seed },
      faults: faultsOf(damages, stopped),
      summary: [
        `${String(damages.length)} damages, ${String(damages.filter((one) => one.isDetected).length)} detected, ${String(damages.filter((one) => one.isIdentical).length)} states identical to a replay of the log`,
        `${String(stopped.length)} positions that do not fit the log: the shard stopped alone, with a reason, and went on after the documented command`,
      ],
    };
  } finally {
    redis.disconnect();
    await system.stop();
  }
}

export const program = defineProgram({
  about: 'pages, manifests and milestones flipped, truncated, deleted; positions that do not fit the log',
  options: {
    rounds: { default: 3, min: 1, max: 1000, help: 'times that every damage is done' },
    damages: { default: DAMAGES.length, min: 1, max: DAMAGES.length, help: 'how many of the damages' },
    seed: { default: 1, min: 0, max: 1_000_000_000, help: 'seed of what is hit' },
  },
  run,
});
