import type { LearnerConfig } from '../../../shared/domain/model-spec.ts';
import { wholeSection } from '../../../shared/domain/state-section.ts';
import type { StateSection } from '../../../shared/domain/state-section.ts';
import { DuplicateWindow, ID_SEEDS } from '../../../shared/domain/duplicate-window.ts';
import { murmur3 } from '../../../shared/domain/murmur3.ts';
import { RowHasher } from '../../../shared/domain/row-hasher.ts';
import type { ApplyOutcome, VersionReason, VersionScore, VersionScreened } from './apply-outcome.ts';
import { decodeShardMeta, encodeShardMeta, readFormat } from './shard-meta.ts';
import type { HashedExample, TrainingExample } from './training-example.ts';
import type { StepTimer } from './time-budget.ts';
import type { Birth, VersionIdentity } from './version-identity.ts';
import { VersionLearner } from './version-learner.ts';
import type { RowSpec } from './version-learner.ts';

/** The most versions of a model that learn at a time. */
export const LIVE_VERSIONS_MAX = 4;

/** How a version begins: from nothing, or with all that a live version has learned. */
export type BirthMode = { readonly mode: 'cold' } | { readonly mode: 'copy'; readonly parent: number };

const NO_SCORES: readonly VersionScore[] = [];

interface Member {
  readonly learner: VersionLearner;
  readonly score: { version: number; score: number };
  haltedAt: number | null;
  /** Sequence of the newest command to resume that was carried out, or found nothing to do. */
  resumed: number;
}

/**
 * The learners of all live versions of one shard in lockstep, with their common duplicate window and position. Synchronous
 * and deterministic: its bytes are a function of the spec, the births and retirements, the events applied and the positions
 * set, whenever it was stored and restored in between.
 */
export class ShardLearner {
  /** Next offset to read: the state covers every record below it. Set by the owner after each batch. */
  position = 0;
  /** Digest of the last record read, as the owner writes it; empty before the first. */
  lastRecordDigest = '';
  /** Takes the row of the next example for all versions. */
  readonly hasher: RowHasher;
  readonly #spec: RowSpec;
  #members: readonly Member[] = [];
  // The members that are not halted and their scores, kept as lists because filling one for each event would allocate.
  #learning: readonly Member[] = [];
  #scores: readonly VersionScore[] = NO_SCORES;
  #live: readonly number[] = [];
  #duplicates = new DuplicateWindow();
  readonly #outcome: {
    isDuplicate: boolean;
    scores: readonly VersionScore[];
    screened: VersionScreened[];
    halted: VersionReason[];
  } = { isDuplicate: false, scores: NO_SCORES, screened: [], halted: [] };

  constructor(spec: RowSpec) {
    this.#spec = spec;
    this.hasher = new RowHasher(spec.features, spec.crosses);
  }

  /**
   * Returns the shard whose `sections` had these bytes; all that it does from here on is what the stored one would do.
   *
   * @param readSection returns the bytes of a section by name; asked for `meta` first
   * @throws RangeError when the bytes are of another format, other features or another size
   */
  static restore(spec: RowSpec, readSection: (name: string) => Uint8Array): ShardLearner {
    const meta = decodeShardMeta(spec, readSection('meta'));
    const shard = new ShardLearner(spec);
    const read = readFormat(meta.format, readSection);
    shard.position = meta.position;
    shard.lastRecordDigest = meta.lastRecordDigest;
    shard.#duplicates = DuplicateWindow.restore(readSection('duplicates'));
    shard.#members = meta.versions.map(({ haltedAt, resumed, ...identity }) =>
      memberOf(VersionLearner.restore(spec, identity, read), haltedAt, resumed),
    );
    shard.#selectLearning();
    return shard;
  }

  /** The live versions, ascending, halted ones included. */
  get versions(): readonly VersionIdentity[] {
    return this.#members.map(({ learner }) => learner.identity);
  }

  /** Numbers of the live versions, ascending; the same list until a version comes or goes. */
  get liveVersions(): readonly number[] {
    return this.#live;
  }

  /** Returns the learner of a live version. Throws RangeError when it is not live. */
  learner(version: number): VersionLearner {
    return this.#member(version).learner;
  }

  /** Returns the position at which a live version was halted, or undefined while it learns. */
  haltedAt(version: number): number | undefined {
    return this.#member(version).haltedAt ?? undefined;
  }

  /**
   * Feeds an event to every version that is not halted, predict-then-learn, unless it repeats a recent one. A version that
   * throws is halted and the others go on. The outcome and all in it are reused by the next call.
   *
   * @param recordTimeMs timestamp of the Kafka record that holds the event
   * @param timer measures what versions take for some of the events; changes nothing
   */
  apply(event: TrainingExample, recordTimeMs: number, timer?: StepTimer): ApplyOutcome {
    const { id, row, label, weight } = event;
    this.hasher.setRow(row);
    const [idHigh, idLow] = [murmur3(id, ID_SEEDS.high), murmur3(id, ID_SEEDS.low)];
    return this.applyHashed({ idHigh, idLow, label, weight }, recordTimeMs, timer);
  }

  /** As `apply`, of the row that the hasher holds. */
  applyHashed(event: HashedExample, recordTimeMs: number, timer?: StepTimer): ApplyOutcome {
    const outcome = this.#outcome;
    if (outcome.screened.length > 0) outcome.screened.length = 0;
    if (outcome.halted.length > 0) outcome.halted.length = 0;
    outcome.isDuplicate = !this.#duplicates.addHashIfNew(event.idHigh, event.idLow, recordTimeMs);
    outcome.scores = outcome.isDuplicate ? NO_SCORES : this.#scores;
    if (outcome.isDuplicate) return outcome;
    if (timer?.wantsNext() === true) this.#applyTimed(event, timer);
    else for (const member of this.#learning) this.#applyTo(member, event);
    if (outcome.halted.length > 0) {
      this.#selectLearning();
      outcome.scores = this.#scores;
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

  /**
   * Takes over a version that another shard learner has taught up to this very position, which now learns with the others.
   *
   * @throws RangeError when the positions differ, the version is live already or not there, or four are live
   */
  adopt(version: number, from: ShardLearner, startPosition: number): void {
    if (from.position !== this.position) {
      const positions = `${String(from.position)}, allowed ${String(this.position)}`;
      throw new RangeError(`adopting version ${String(version)}: its position is ${positions}`);
    }
    this.#assertRoom(version);
    const { identity } = from.learner(version);
    const { mode, parent } = identity.born;
    const born: Birth = {
      position: this.position,
      mode: mode === 'cold' ? 'history' : 'milestone',
      startPosition,
      ...(parent === undefined ? {} : { parent }),
    };
    const sections = new Map(from.sections().map((section) => [section.name, section]));
    const read = (name: string): Uint8Array => sections.get(name)?.bytes() ?? new Uint8Array();
    this.#admit(VersionLearner.restore(this.#spec, { ...identity, born }, read));
  }

  /**
   * Adds a version that begins at the current position.
   *
   * @throws RangeError when the version is live already, four are, the parent is not, or its config cannot be copied
   */
  birth(version: number, config: LearnerConfig, how: BirthMode): void {
    this.#assertRoom(version);
    const learner =
      how.mode === 'cold'
        ? VersionLearner.cold(this.#spec, version, config, this.position)
        : this.learner(how.parent).fork(version, config, this.position);
    this.#admit(learner);
  }

  /** Removes a version and its state. Throws RangeError when it is not live. */
  retire(version: number): void {
    const gone = this.#member(version);
    this.#members = this.#members.filter((member) => member !== gone);
    this.#selectLearning();
  }

  /** Stops a version's scoring and learning until `resume`; its state stays. Throws RangeError when it is not live. */
  halt(version: number): void {
    this.#member(version).haltedAt ??= this.position;
    this.#selectLearning();
  }

  /**
   * Lets a halted version score and learn again from the current position on. Returns whether the command is new: each is
   * carried out once, also when the version was not halted. Throws RangeError when it is not live.
   *
   * @param sequence number of the command in the version log
   */
  resume(version: number, sequence: number): boolean {
    const member = this.#member(version);
    if (sequence <= member.resumed) return false;
    member.resumed = sequence;
    member.haltedAt = null;
    this.#selectLearning();
    return true;
  }

  /**
   * Returns the whole state in canonical order: `meta`, `duplicates`, then `v<version>/…` ascending. Their digest
   * (`feedStateDigest`) is the state's. A birth or retirement changes the list.
   */
  sections(): readonly StateSection[] {
    return [
      wholeSection('meta', () => this.#metaBytes()),
      this.#duplicates.section('duplicates'),
      ...this.#members.flatMap(({ learner }) => learner.sections()),
    ];
  }

  #selectLearning(): void {
    this.#learning = this.#members.filter(({ haltedAt }) => haltedAt === null);
    this.#scores = this.#learning.map(({ score }) => score);
    this.#live = this.#members.map(({ score }) => score.version);
  }

  #assertRoom(version: number): void {
    if (this.#members.some(({ learner }) => learner.identity.version === version)) {
      throw new RangeError(`birth of version ${String(version)}: it is live already`);
    }
    if (this.#members.length < LIVE_VERSIONS_MAX) return;
    const live = `${String(this.#members.length)} versions are live`;
    throw new RangeError(
      `birth of version ${String(version)}: ${live}, allowed ${String(LIVE_VERSIONS_MAX)}`,
    );
  }

  #admit(learner: VersionLearner): void {
    this.#members = [...this.#members, memberOf(learner, null, 0)].sort(byVersion);
    this.#selectLearning();
  }

  #applyTimed(event: HashedExample, timer: StepTimer): void {
    for (const member of this.#learning) {
      const startMs = timer.nowMs();
      this.#applyTo(member, event);
      timer.took(member.score.version, timer.nowMs() - startMs);
    }
  }

  #applyTo(member: Member, event: HashedExample): void {
    const { version } = member.learner.identity;
    try {
      const { score, screened, fence } = member.learner.stepHashed(
        this.hasher.row,
        event.label,
        event.weight,
      );
      member.score.score = score;
      if (screened !== undefined) this.#outcome.screened.push({ version, fence, reason: screened });
    } catch (error) {
      member.haltedAt = this.position;
      this.#outcome.halted.push({ version, reason: error instanceof Error ? error.message : String(error) });
    }
  }

  #metaBytes(): Uint8Array {
    const versions = this.#members.map(({ learner, haltedAt, resumed }) => ({
      ...learner.identity,
      haltedAt,
      resumed,
    }));
    const { position, lastRecordDigest } = this;
    return encodeShardMeta(this.#spec, { position, lastRecordDigest, versions });
  }

  #member(version: number): Member {
    const found = this.#members.find(({ learner }) => learner.identity.version === version);
    if (found !== undefined) return found;
    const live = this.#members.map(({ learner }) => String(learner.identity.version)).join(', ');
    throw new RangeError(`version ${String(version)} is not live, allowed ${live === '' ? 'none' : live}`);
  }
}

function memberOf(learner: VersionLearner, haltedAt: number | null, resumed: number): Member {
  return { learner, score: { version: learner.identity.version, score: 0 }, haltedAt, resumed };
}

function byVersion(a: Member, b: Member): number {
  return a.learner.identity.version - b.learner.identity.version;
}
