import { decide } from '../../../services/registry/domain/decide.ts';
import type { Decision } from '../../../services/registry/domain/decision.ts';
import type { Command } from '../../../services/registry/domain/commands.ts';
import type {
  HeardVerdict,
  RolloutCommand,
  RolloutSignal,
} from '../../../services/registry/domain/rollout/signals.ts';
import type { ModelVersionEvent, TrafficPlan } from '../../../shared/domain/events.ts';
import { evolveDirectory } from '../../../shared/domain/model-directory.ts';
import type { ModelDirectory, ModelState } from '../../../shared/domain/model-directory.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../shared/domain/rollout-policy.ts';
import type { RolloutPolicy } from '../../../shared/domain/rollout-policy.ts';
import type { RolloutState, ValidationReport, VerdictEvidence } from '../../../shared/domain/rollout.ts';
import { ask, clickSpec } from './registry-world.ts';

const FIGURES = {
  logLossNats: 0.5,
  precision: null,
  recall: null,
  calibrationErrorRate: 0.01,
  scoringP99Micros: null,
};

/** A validation report with these faults. */
export function validationOf(...faults: string[]): ValidationReport {
  return { examples: 2000, candidate: FIGURES, baseline: FIGURES, faults };
}

/** Evidence of a monitor that has seen enough of everything. */
export function evidenceOf(change: Partial<VerdictEvidence> = {}): VerdictEvidence {
  return {
    rolloutId: 'clicks/2/1',
    stage: 0,
    because: 'it is better',
    source: 'served',
    streams: [],
    examples: 100_000,
    stageExamples: 100_000,
    requests: 100_000,
    waiting: 0,
    maturity: 1,
    isLabelledOnly: false,
    examplesNeeded: null,
    waitMs: null,
    validation: validationOf(),
    positions: {},
    ...change,
  };
}

/** A model and its log in memory, moved signal by signal through the same pure code as in the registry. */
export interface RolloutDriver {
  readonly model: () => ModelState;
  readonly rollout: () => RolloutState;
  readonly plan: () => TrafficPlan;
  readonly events: readonly ModelVersionEvent[];
  readonly nowMs: () => number;
  take(command: Command): Decision;
  send(signal: RolloutSignal): Decision;
  command(command: RolloutCommand, why?: string): Decision;
  /** Lets time pass, the monitor staying heard unless it is said to be silent, and then one tick. */
  pass(ms: number, isMonitorSilent?: boolean): Decision;
  /** Sends a verdict on the present stage, unless told otherwise. */
  verdict(value: HeardVerdict['value'], change?: Partial<HeardVerdict>): Decision;
  /** All live routers have the present stage. */
  applied(): Decision;
  /** Goes one stage further by evidence: applied, hold passed, promoted. */
  climb(): void;
}

export function createRolloutDriver(
  policy: Partial<RolloutPolicy> = {},
  { versions = 3, mode = 'copy' }: { readonly versions?: number; readonly mode?: 'copy' | 'cold' } = {},
): RolloutDriver {
  let directory: ModelDirectory = new Map();
  let nowMs = 1_000_000;
  let heardAtMs = nowMs;
  let newest: HeardVerdict | null = null;
  const events: ModelVersionEvent[] = [];

  const model = (): ModelState => {
    const known = directory.get('clicks');
    if (known === undefined) throw new TypeError('the model is not created');
    return known;
  };
  const rollout = (): RolloutState => {
    const known = model().rollout;
    if (known === null) throw new TypeError('there was no rollout');
    return known;
  };

  function take(command: Command): Decision {
    const triesOf = (version: number): number =>
      events.filter((one) => one.kind === 'RolloutStarted' && one.version === version).length;
    const decision = decide(directory, command, { nowMs, sequence: events.length + 1, triesOf });
    if (decision.kind !== 'append') return decision;
    for (const draft of decision.events) {
      const before = directory.get('clicks')?.plan;
      const sequence = events.length + 1;
      const { planVersion: _old, ...routing } = draft.plan;
      const { planVersion, ...routingBefore } = before ?? { planVersion: 0 };
      const isSame =
        draft.kind !== 'TrafficPlanned' && JSON.stringify(routing) === JSON.stringify(routingBefore);
      const event: ModelVersionEvent = {
        ...draft,
        sequence,
        eventId: String(sequence),
        atMs: nowMs,
        actor: '',
        reason: '',
        body: JSON.stringify(draft.body),
        plan: { ...draft.plan, planVersion: isSame ? planVersion : sequence },
        previousHash: '',
        hash: '',
      };
      events.push(event);
      directory = evolveDirectory(directory, event);
    }
    return decision;
  }

  const send = (signal: RolloutSignal): Decision =>
    take({ kind: 'rollout', model: 'clicks', signal, heard: { position: nowMs, newest, heardAtMs } });

  const driver: RolloutDriver = {
    model,
    rollout,
    plan: () => model().plan,
    events,
    nowMs: () => nowMs,
    take,
    send,
    command: (command, why = '') => send({ kind: 'command', command, why }),
    pass(ms, isMonitorSilent = false) {
      nowMs += ms;
      if (!isMonitorSilent) {
        heardAtMs = nowMs;
        newest = newest === null ? null : { ...newest, heardAtMs: nowMs };
      }
      return send({ kind: 'time' });
    },
    verdict(value, change = {}) {
      const { rolloutId, stage, stagePlanVersion, candidate } = rollout();
      heardAtMs = nowMs;
      newest = {
        rolloutId,
        stage,
        planVersion: stagePlanVersion,
        candidate,
        value,
        evidence: evidenceOf({ rolloutId, stage }),
        heardAtMs: nowMs,
        ...change,
      };
      return send({ kind: 'verdict', verdict: newest });
    },
    applied: () => send({ kind: 'applied', stage: rollout().stage }),
    climb() {
      driver.applied();
      const { holdMinMs } = { ...DEFAULT_ROLLOUT_POLICY, ...policy };
      driver.pass(holdMinMs);
      const decision = driver.verdict('promote');
      if (decision.kind !== 'append') throw new TypeError(`not promoted: ${JSON.stringify(decision)}`);
    },
  };

  take({ ...ask.create, spec: { ...clickSpec, rollout: { ...DEFAULT_ROLLOUT_POLICY, ...policy } } });
  for (let version = 1; version <= versions; version += 1) {
    take(ask.register(version === 1 ? 'cold' : mode, version === 1 || mode === 'cold' ? undefined : 1));
    take(ask.born(version));
    if (version === 1 || policy.isApprovalRequired !== true) take(ask.approve(version));
    if (version === 1) take(ask.traffic(model().plan.planVersion, { stable: 1 }));
  }
  return driver;
}

/** Returns a driver whose version 2 is being tried. */
export function rollingOut(...args: Parameters<typeof createRolloutDriver>): RolloutDriver {
  const driver = createRolloutDriver(...args);
  const decision = driver.command({ kind: 'start', version: 2 });
  if (decision.kind !== 'append') throw new TypeError(`not started: ${JSON.stringify(decision)}`);
  return driver;
}
