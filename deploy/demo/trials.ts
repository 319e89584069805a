import { isUnderWay } from '../../shared/domain/rollout.ts';
import { waitUntil } from '../local/wait-until.ts';
import type { Learned } from './learned.ts';
import { THROWING_VERSION } from './model.ts';
import type { Operator } from './operator.ts';
import type { LogReader } from './read-log.ts';
import { resultOf, timelineLine } from './rollout-results.ts';
import type { RolloutResult } from './rollout-results.ts';

const DECISION_LIMIT_MS = 240_000;
const LOOK_EVERY_MS = 100;

/** What trials are made with. */
export interface TrialsDeps {
  readonly operator: Operator;
  readonly learned: Learned;
  readonly log: LogReader;
  /** Says something that stays. */
  readonly say: (line: string) => void;
  /** Shows what is done at present. */
  readonly onPhase: (phase: string) => void;
  /** Whether there is no traffic any more, so that no evidence can come. */
  readonly hasRunOut: () => boolean;
}

/** Rollouts that nobody moves by hand. */
export interface Trials {
  /**
   * Starts the rollout of a version and resolves when it is decided, or when the traffic has run out.
   *
   * @param meanwhile is done while the rollout is under way
   */
  tryVersion(version: number, reason: string, meanwhile?: () => Promise<void>): Promise<void>;
  /** Returns how each went, once everything is learned. */
  results(): Promise<RolloutResult[]>;
}

interface Trial {
  readonly version: number;
  readonly learnedBefore: number;
  readonly learnedAtDecision: number;
  /** Where predictions ended when it began. */
  readonly from: number;
}

/** Returns what tries versions and tells the timeline with the reasons as things happen. */
export function createTrials({ operator, learned, log, say, onPhase, hasRunOut }: TrialsDeps): Trials {
  const trials: Trial[] = [];
  let toldTo = 0;

  async function tell(): Promise<void> {
    for (const event of await operator.rolloutEvents()) {
      if (event.sequence <= toldTo) continue;
      toldTo = event.sequence;
      const line = timelineLine(event);
      if (line !== undefined) say(line);
    }
  }

  /** Looks once; throws what is waited for while the rollout is under way. */
  async function look(version: number): Promise<void> {
    const { rollout, waitsFor, last } = await operator.rollout();
    if ((last?.sequence ?? 0) > toldTo) await tell();
    if (rollout?.candidate !== version)
      throw new Error(`the rollout of version ${String(version)} has not begun`);
    if (!isUnderWay(rollout.phase) || hasRunOut()) return;
    const words = waitsFor[0] ?? 'nothing';
    onPhase(`version ${String(version)} in ${rollout.phase}, waits for ${words}`);
    throw new Error(`${rollout.phase} waits for ${words}`);
  }

  return {
    async tryVersion(version, reason, meanwhile = () => Promise.resolve()) {
      const from = await log.predictionsEnd();
      const learnedBefore = await learned.examplesOf(version);
      await operator.startRollout(version, reason);
      const what = `the rollout of version ${String(version)} to be decided`;
      const limits = { what, limitMs: DECISION_LIMIT_MS, everyMs: LOOK_EVERY_MS };
      await Promise.all([waitUntil(() => look(version), limits), meanwhile()]);
      const learnedAtDecision = await learned.examplesOf(version);
      trials.push({ version, learnedBefore, learnedAtDecision, from });
    },
    async results() {
      await tell();
      const events = await operator.rolloutEvents();
      const verdicts = await log.verdictsByRollout();
      const results: RolloutResult[] = [];
      for (const { version, from, ...counts } of trials) {
        const begun = events.find((one) => one.version === version)?.body.rollout;
        if (begun === undefined) continue;
        const hasToFail = version === THROWING_VERSION; // it is scored from its birth on; its rollout judges what came after
        const result = resultOf(events, version, {
          ...counts,
          verdicts: verdicts.get(begun.rolloutId) ?? 0,
          firstFailureAtMs: hasToFail
            ? await log.firstFailureAtMs(version, from, begun.startPlanVersion)
            : null,
          learnedAfter: await learned.examplesOf(version),
        });
        if (result !== undefined) results.push(result);
      }
      return results;
    },
  };
}
