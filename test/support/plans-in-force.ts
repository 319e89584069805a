import { assignArm } from '../../shared/domain/assignment.ts';
import type { ModelVersionEvent, TrafficPlan } from '../../shared/domain/events.ts';

/** An answer as its client had it. */
export interface JudgedAnswer {
  readonly subject: string;
  readonly version: number;
  readonly planVersion: number;
  /** When the client asked, ms since the Unix epoch. */
  readonly askedAtMs: number;
}

/** What answers are like when they are held against the plans of the log. */
export interface AnswersJudged {
  readonly answers: number;
  /** Answers that no plan allowed, in words. */
  readonly disallowed: readonly string[];
  /** The longest time after a newer plan was decided that a request was still answered by the one before, ms. */
  readonly latestMs: number;
}

interface PlanInForce extends TrafficPlan {
  readonly decidedAtMs: number;
  /** When the plan after it was decided, ms; Infinity for the newest. */
  readonly endedAtMs: number;
}

/** Returns the plans of a model by their number, with the times of the events that set and ended them. */
function plansOf(events: readonly ModelVersionEvent[], model: string): ReadonlyMap<number, PlanInForce> {
  const plans = new Map<number, PlanInForce>();
  let newest: PlanInForce | undefined;
  for (const event of events) {
    if (event.model !== model || event.plan.planVersion === newest?.planVersion) continue;
    if (newest !== undefined) plans.set(newest.planVersion, { ...newest, endedAtMs: event.atMs });
    newest = { ...event.plan, decidedAtMs: event.atMs, endedAtMs: Infinity };
    plans.set(newest.planVersion, newest);
  }
  return plans;
}

/** Returns why a plan does not allow an answer; undefined when it does. Stable may always answer: it stands in for everybody. */
function faultOf(answer: JudgedAnswer, plan: PlanInForce | undefined, graceMs: number): string | undefined {
  const { version, subject, askedAtMs, planVersion } = answer;
  if (plan === undefined) return `plan ${String(planVersion)} is not in the log`;
  const { salt, candidate, candidateWeightBp, stable, endedAtMs } = plan;
  if (askedAtMs > endedAtMs + graceMs)
    return `plan ${String(planVersion)} had been over for ${String(askedAtMs - endedAtMs)} ms`;
  if (version === stable) return undefined;
  const named = `version ${String(version)} answered ${subject} under plan ${String(planVersion)}`;
  if (version !== candidate) return `${named}, which does not name it`;
  const isCandidates = assignArm(salt, subject, candidateWeightBp) === 'candidate';
  return isCandidates ? undefined : `${named}, whose candidate has ${String(candidateWeightBp)} bp`;
}

/**
 * Returns what answers are like under the plans that the log tells of: each names its plan, that plan must be in force when
 * it was asked for (or be the one before, for as long as a record needs), and its version must be stable or, for a subject of
 * the candidate's share, the candidate.
 *
 * @param graceMs how long after a plan was decided a router may still go by the one before, ms
 */
export function judgeAnswers(
  events: readonly ModelVersionEvent[],
  model: string,
  answers: readonly JudgedAnswer[],
  graceMs: number,
): AnswersJudged {
  const plans = plansOf(events, model);
  const disallowed: string[] = [];
  let latestMs = 0;
  for (const answer of answers) {
    const plan = plans.get(answer.planVersion);
    const fault = faultOf(answer, plan, graceMs);
    if (fault !== undefined) disallowed.push(`${model}: ${fault}`);
    else latestMs = Math.max(latestMs, answer.askedAtMs - (plan?.endedAtMs ?? Infinity));
  }
  return { answers: answers.length, disallowed, latestMs };
}
