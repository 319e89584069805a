import { setTimeout as pause } from 'node:timers/promises';
import { createRng } from '../../../shared/domain/rng.ts';
import type { Rng } from '../../../shared/domain/rng.ts';
import { isUnderWay } from '../../../shared/domain/rollout.ts';
import type { RolloutPhase } from '../../../shared/domain/rollout.ts';
import { judgedSpec, LEARNERS, QUICK_POLICY } from '../../support/judged-model.ts';
import { startJudgedTraffic } from '../../support/judged-traffic.ts';
import type { JudgedTraffic } from '../../support/judged-traffic.ts';
import type { System } from '../../support/system.ts';
import { createPatientOperator } from './patient-operator.ts';

const LOOK_MS = 100;
const DECIDED_LIMIT_MS = 240_000;
/** A rollout that takes longer than this says what it waits for, and again after as long. */
const LONG_MS = 20_000;
const LEARNED_BEFORE_MS = 1500;

/**
 * What a candidate is compared with its stable version. `good` begins cold with a sound learning rate where that of stable is
 * far too high; `equal` and `bad` are copies of a sound one, with almost its rate and with one that is far too high.
 */
export type CandidateKind = 'good' | 'equal' | 'bad';

/** One rollout and how it ended. */
export interface RolloutOutcome {
  readonly kind: CandidateKind;
  readonly model: string;
  readonly version: number;
  readonly phase: RolloutPhase;
  readonly actor: string;
  readonly because: string;
  readonly tookMs: number;
  /** How often it was paused and an operator let it go on. */
  readonly resumed: number;
}

/** What a lane needs. */
export interface LaneOptions {
  readonly system: System;
  readonly model: string;
  readonly seed: number;
  readonly roundSize: number;
  readonly roundMs: number;
  /** Whether a further rollout is wanted; each yes is one rollout. */
  readonly takeNext: () => boolean;
  readonly onOutcome: (outcome: RolloutOutcome) => void;
  readonly say: (line: string) => void;
}

/** A lane that has ended. */
export interface Lane {
  readonly model: string;
  readonly traffic: JudgedTraffic;
}

function kindOf(rng: Rng): CandidateKind {
  const draw = rng.int(10);
  return draw < 2 ? 'good' : draw < 6 ? 'equal' : 'bad';
}

/** Runs rollouts of one model, one after the other, under traffic that never stops between the first and the last. */
export async function runLane(options: LaneOptions): Promise<Lane> {
  const { system, model, seed } = options;
  const rng = createRng(seed);
  const routers = system.fleet.all.filter(({ name }) => name === 'router').length;
  const operator = createPatientOperator(system, model, routers);
  let stable = 0;
  let alpha: number = LEARNERS.sound.alpha;
  let traffic: JudgedTraffic | undefined;

  /** Makes a version with a bad learning rate stable, for a candidate to be better than. */
  async function makePoor(): Promise<void> {
    const before = stable;
    stable = await operator.addVersion({ mode: 'cold', learner: LEARNERS.wild });
    await operator.approve(stable);
    await operator.setStable(stable);
    if (before > 0) await operator.retire(before);
    traffic ??= startJudgedTraffic({ ...options, seed: seed + 0x10000 });
    await pause(LEARNED_BEFORE_MS);
  }

  async function untilDecided(kind: CandidateKind, version: number): Promise<RolloutOutcome> {
    const beganMs = performance.now();
    let resumed = 0;
    let saidMs = 0;
    for (;;) {
      const { rollout, last, waitsFor } = await operator.watch();
      const tookMs = Math.round(performance.now() - beganMs);
      if (tookMs - saidMs > LONG_MS) {
        saidMs = tookMs;
        options.say(`${model}/${String(version)}, ${kind}, waits for ${waitsFor.join('; ')}`);
      }
      const isOver = rollout !== null && rollout.candidate === version && !isUnderWay(rollout.phase);
      if (isOver || tookMs > DECIDED_LIMIT_MS) {
        const { actor = '', because = '' } = last ?? {};
        const phase = rollout?.phase ?? 'shadow';
        return { kind, model, version, phase, actor, because, tookMs, resumed };
      }
      if (rollout?.pausedBecause != null) {
        resumed += 1;
        await operator.command('resume');
      }
      await pause(LOOK_MS);
    }
  }

  async function rollOut(kind: CandidateKind): Promise<void> {
    if (kind === 'good') await makePoor();
    const equal = alpha * 0.98;
    const rates = { good: LEARNERS.sound.alpha, equal, bad: LEARNERS.wild.alpha };
    const mode = kind === 'good' ? 'cold' : 'copy';
    const version = await operator.addVersion({ mode, learner: { alpha: rates[kind] } });
    await operator.start(version);
    const outcome = await untilDecided(kind, version);
    options.onOutcome(outcome);
    if (isUnderWay(outcome.phase)) await operator.command('abort');
    const isPromoted = outcome.phase === 'full' || outcome.phase === 'closed';
    await operator.retire(isPromoted ? stable : version);
    if (!isPromoted) return;
    stable = version;
    alpha = rates[kind];
  }

  await operator.createModel(judgedSpec(model, { ...QUICK_POLICY, triesMax: 1 }));
  for (let kind: CandidateKind = 'good'; options.takeNext(); kind = kindOf(rng)) await rollOut(kind);
  if (traffic === undefined) throw new TypeError('a lane without a rollout');
  await traffic.stop();
  return { model, traffic };
}
