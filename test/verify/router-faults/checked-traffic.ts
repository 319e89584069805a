import { setTimeout as pause } from 'node:timers/promises';
import { assignArm } from '../../../shared/domain/assignment.ts';
import { createRng } from '../../../shared/domain/rng.ts';
import { createPredictionClient } from '../../support/prediction-client.ts';
import type { PredictionAnswer } from '../../support/prediction-client.ts';

/** What clients saw. */
export interface TrafficFigures {
  requests: number;
  /** Answers 503 of an overloaded router, where the rung allows them. */
  shed: number;
  /** Answers of the candidate. */
  byCandidate: number;
  /** The oldest parameters that anybody was answered by, ms. */
  stalestMs: number;
  readonly failed: string[];
  /** Answers by a version that the plan does not give the subject. */
  readonly wrongVersion: string[];
  /** Scores that are no probability, or another one than the same snapshot gave the same row before. */
  readonly wrongScore: string[];
}

/** What an answer may be like at the moment. */
export interface Allowed {
  readonly candidate: boolean;
  readonly shed: boolean;
}

/** Clients that ask two routers in turn without a pause and check every answer. */
export interface CheckedTraffic {
  readonly figures: TrafficFigures;
  allow(allowed: Allowed): void;
  stop(): Promise<void>;
}

/** How traffic is made. */
export interface TrafficOptions {
  readonly urls: readonly [string, string];
  readonly model: string;
  readonly salt: string;
  readonly candidateWeightBp: number;
  readonly seed: number;
}

const CLIENTS = 4;
const BETWEEN_MS = 4;
const SUBJECTS = 40;
const STABLE = 1;
const COLOURS = ['red', 'blue', 'green'];
const SIZES = 5;

/** Returns what is wrong with an answer's version; undefined when its plan allows it. */
function versionFault(
  { version }: PredictionAnswer,
  subject: string,
  { salt, candidateWeightBp }: TrafficOptions,
  isAllowed: boolean,
): string | undefined {
  if (version === STABLE) return undefined;
  if (!isAllowed) return `version ${String(version)} answered ${subject}, and only stable may`;
  const isCandidates = assignArm(salt, subject, candidateWeightBp) === 'candidate';
  return isCandidates ? undefined : `version ${String(version)} answered ${subject}, who is stable’s`;
}

/** Starts traffic; a client repeats a request whose connection was refused or cut at the other router, once. */
export function startCheckedTraffic(options: TrafficOptions): CheckedTraffic {
  const { urls, model, seed } = options;
  const client = createPredictionClient();
  const scores = new Map<string, number>();
  const figures: TrafficFigures = {
    requests: 0,
    shed: 0,
    byCandidate: 0,
    stalestMs: 0,
    failed: [],
    wrongVersion: [],
    wrongScore: [],
  };
  let allowed: Allowed = { candidate: true, shed: false };
  let isStopped = false;

  function check(answer: PredictionAnswer, subject: string, row: string, wasAllowed: Allowed): void {
    const { version, score, snapshotPosition, stalenessMs } = answer;
    if (version !== STABLE) figures.byCandidate += 1;
    figures.stalestMs = Math.max(figures.stalestMs, stalenessMs);
    const fault = versionFault(answer, subject, options, wasAllowed.candidate || allowed.candidate);
    if (fault !== undefined) figures.wrongVersion.push(fault);
    const key = `${String(version)} at ${String(snapshotPosition)} of ${row}`;
    const known = scores.get(key) ?? score;
    scores.set(key, known);
    if (!(score >= 0 && score <= 1) || score !== known || !(stalenessMs >= 0))
      figures.wrongScore.push(`${key} scored ${String(score)}, before ${String(known)}`);
  }

  async function run(index: number): Promise<void> {
    const rng = createRng(seed + index);
    for (let turn = index; !isStopped; turn += 1) {
      const subject = `subject-${String(rng.int(SUBJECTS))}`;
      const features = { colour: COLOURS[rng.int(COLOURS.length)], size: rng.int(SIZES) };
      const order: [string, string] = turn % 2 === 0 ? [urls[0], urls[1]] : [urls[1], urls[0]];
      const wasAllowed = allowed;
      const asked = await client.ask(order, model, { subject, features });
      figures.requests += 1;
      if (asked.ok) check(asked.answer, subject, JSON.stringify(features), wasAllowed);
      else if ((wasAllowed.shed || allowed.shed) && asked.words.includes(': 503 ')) figures.shed += 1;
      else figures.failed.push(asked.words);
      await pause(BETWEEN_MS);
    }
  }

  const running = Array.from({ length: CLIENTS }, (_, index) => run(index));
  for (const one of running) one.catch(() => undefined); // `stop` tells
  return {
    figures,
    allow(next) {
      allowed = next;
    },
    async stop() {
      isStopped = true;
      await Promise.all(running);
      client.close();
    },
  };
}
