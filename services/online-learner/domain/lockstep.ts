import type { HashedRow } from '../../../shared/domain/row-hasher.ts';
import type { ApplyOutcome, VersionReason, VersionScore, VersionScreened } from './apply-outcome.ts';
import type { TrainingExample } from './training-example.ts';
import type { StepTimer } from './time-budget.ts';
import type { VersionLearner } from './version-learner.ts';

/** A live version of a shard. */
export interface Member {
  readonly learner: VersionLearner;
  readonly score: { version: number; score: number };
  haltedAt: number | null;
  /** Sequence of the newest command to resume that was carried out, or found nothing to do. */
  resumed: number;
}

/** An outcome as it is being made. */
interface Filled {
  isDuplicate: boolean;
  scores: readonly VersionScore[];
  screened: VersionScreened[];
  halted: VersionReason[];
}

const NO_SCORES: readonly VersionScore[] = [];
const NONE_HALTED: readonly VersionReason[] = [];

/** Feeds events to every version that is not halted, one after the other. A version that throws is halted, the others go on. */
export class Lockstep {
  #members: readonly Member[] = [];
  // The members that are not halted and their scores, kept as lists because filling one for each event would allocate.
  #learning: readonly Member[] = [];
  #scores = NO_SCORES;
  #live: readonly number[] = [];
  // Of the last `stepRows`.
  #haltedNow = NONE_HALTED;
  #allLearned = true;
  readonly #outcome: Filled = { isDuplicate: false, scores: NO_SCORES, screened: [], halted: [] };

  /** The live versions, ascending, halted ones included. */
  get members(): readonly Member[] {
    return this.#members;
  }

  /** Their numbers; the same list until a version comes or goes. */
  get live(): readonly number[] {
    return this.#live;
  }

  /** Takes the members from here on. Call it after one was halted or resumed, too. */
  use(members: readonly Member[]): void {
    this.#members = members.toSorted((a, b) => a.score.version - b.score.version);
    this.#learning = this.#members.filter(({ haltedAt }) => haltedAt === null);
    this.#scores = this.#learning.map(({ score }) => score);
    this.#live = this.#members.map(({ score }) => score.version);
  }

  /** Returns the outcome of an event that repeats another one. */
  repeated(): ApplyOutcome {
    return this.#begin(true);
  }

  /**
   * Feeds one event, predict-then-learn. The outcome and all in it are reused by the next call.
   *
   * @param position at which a version that throws is halted
   */
  step(
    row: HashedRow,
    event: Pick<TrainingExample, 'label' | 'weight'>,
    position: number,
    timer?: StepTimer,
  ): ApplyOutcome {
    const outcome = this.#begin(false);
    const isTimed = timer?.wants(1) === true;
    for (const member of this.#learning) {
      const startMs = isTimed ? timer.nowMs() : 0;
      try {
        const { score, screened, fence } = member.learner.stepHashed(row, event.label, event.weight);
        member.score.score = score;
        if (screened !== undefined) {
          outcome.screened.push({ version: member.score.version, fence, reason: screened });
        }
      } catch (error) {
        outcome.halted.push(halt(member, position, error));
      }
      if (isTimed) timer.took(member.score.version, timer.nowMs() - startMs);
    }
    if (outcome.halted.length > 0) this.use(this.#members);
    outcome.scores = this.#scores;
    return outcome;
  }

  /**
   * Feeds so many events together, each version all of them in order; what became of each is told by `outcomeOf`. A version that
   * throws gives no score for any of them.
   *
   * @param rows rows as a reader has them
   * @param places tells where a version that throws is halted: before the record at whose event it did
   */
  stepRows(
    rows: Uint8Array,
    count: number,
    places: { position(row: number): number },
    timer?: StepTimer,
  ): void {
    this.#haltedNow = NONE_HALTED;
    this.#allLearned = true;
    const isTimed = timer?.wants(count) === true;
    for (const member of this.#learning) {
      const startMs = isTimed ? timer.nowMs() : 0;
      try {
        const learned = member.learner.stepRows(rows, count);
        this.#allLearned &&= learned === count;
      } catch (error) {
        const row = Math.min(member.learner.rowsStepped, count - 1);
        this.#haltedNow = [...this.#haltedNow, halt(member, places.position(row), error)];
      }
      if (isTimed) timer.took(member.score.version, (timer.nowMs() - startMs) / count);
    }
    if (this.#haltedNow.length > 0) this.use(this.#members);
  }

  /** Returns what became of an event of the last `stepRows`; reused by the next call. */
  outcomeOf(row: number): ApplyOutcome {
    const outcome = this.#begin(false);
    if (row === 0) outcome.halted.push(...this.#haltedNow);
    for (const { learner, score } of this.#learning) {
      if (this.#allLearned) {
        score.score = learner.scoreOf(row);
        continue;
      }
      const { score: scored, screened, fence } = learner.outcomeOf(row);
      score.score = scored;
      if (screened !== undefined) {
        outcome.screened.push({ version: score.version, fence, reason: screened });
      }
    }
    return outcome;
  }

  /** Writes the scores of an outcome, one a live version, NaN where it gave none; returns how many there are. */
  writeScores(outcome: ApplyOutcome, scores: Float64Array): number {
    const members = this.#members;
    const given = outcome.scores;
    let next = 0;
    for (let m = 0; m < members.length; m++) {
      const one = given[next];
      const isGiven = one !== undefined && one.version === members[m]?.score.version;
      scores[m] = isGiven ? one.score : NaN;
      if (isGiven) next += 1;
    }
    return members.length;
  }

  #begin(isDuplicate: boolean): Filled {
    const outcome = this.#outcome;
    if (outcome.screened.length > 0) outcome.screened.length = 0;
    if (outcome.halted.length > 0) outcome.halted.length = 0;
    outcome.isDuplicate = isDuplicate;
    outcome.scores = isDuplicate ? NO_SCORES : this.#scores;
    return outcome;
  }
}

function halt(member: Member, position: number, error: unknown): VersionReason {
  member.haltedAt = position;
  const reason = error instanceof Error ? error.message : String(error);
  return { version: member.score.version, reason };
}
