import type { FeatureValue, LearnerConfig } from '../../../shared/domain/model-spec.ts';
import { wholeSection } from '../../../shared/domain/state-section.ts';
import type { StateSection } from '../../../shared/domain/state-section.ts';
import { DuplicateWindow } from '../../../shared/domain/duplicate-window.ts';
import { decodeShardMeta, encodeShardMeta } from './shard-meta.ts';
import type { VersionIdentity } from './version-identity.ts';
import { VersionLearner } from './version-learner.ts';
import type { RowSpec } from './version-learner.ts';

/** The most versions of a model that learn at a time. */
export const LIVE_VERSIONS_MAX = 4;

/** One labelled example as it comes out of the codec. */
export interface TrainingExample {
  readonly id: string;
  /** Values in the order of the spec's features. */
  readonly row: readonly (FeatureValue | undefined)[];
  /** 0 or 1. */
  readonly label: number;
  /** Importance, 0 or more; usually 1. */
  readonly weight: number;
}

/** A version's score of an event before it learned that event. */
export interface VersionScore {
  readonly version: number;
  readonly score: number;
}

/** Something that one version did not do, and why. */
export interface VersionReason {
  readonly version: number;
  readonly reason: string;
}

/** What an event did to the shard. Valid until the next `apply`. */
export interface ApplyOutcome {
  /** The id repeats a recent one: nothing was scored or learned. */
  readonly isDuplicate: boolean;
  /** One entry for each version that is not halted, ascending. */
  readonly scores: readonly VersionScore[];
  /** Versions that scored the event and did not learn it. */
  readonly screened: readonly VersionReason[];
  /** Versions that threw on this event and learn no more. */
  readonly halted: readonly VersionReason[];
}

/** How a version begins: from nothing, or with all that a live version has learned. */
export type BirthMode = { readonly mode: 'cold' } | { readonly mode: 'copy'; readonly parent: number };

const NO_SCORES: readonly VersionScore[] = [];

interface Member {
  readonly learner: VersionLearner;
  readonly score: { version: number; score: number };
  haltedAt: number | null;
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
  readonly #spec: RowSpec;
  #members: readonly Member[] = [];
  // The members that are not halted and their scores, kept as lists because filling one for each event would allocate.
  #learning: readonly Member[] = [];
  #scores: readonly VersionScore[] = NO_SCORES;
  #duplicates = new DuplicateWindow();
  readonly #outcome: {
    isDuplicate: boolean;
    scores: readonly VersionScore[];
    screened: VersionReason[];
    halted: VersionReason[];
  } = { isDuplicate: false, scores: NO_SCORES, screened: [], halted: [] };

  constructor(spec: RowSpec) {
    this.#spec = spec;
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
    shard.position = meta.position;
    shard.lastRecordDigest = meta.lastRecordDigest;
    shard.#duplicates = DuplicateWindow.restore(readSection('duplicates'));
    shard.#members = meta.versions.map(({ haltedAt, ...identity }) =>
      memberOf(VersionLearner.restore(spec, identity, readSection), haltedAt),
    );
    shard.#selectLearning();
    return shard;
  }

  /** The live versions, ascending, halted ones included. */
  get versions(): readonly VersionIdentity[] {
    return this.#members.map(({ learner }) => learner.identity);
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
   */
  apply(event: TrainingExample, recordTimeMs: number): ApplyOutcome {
    const outcome = this.#outcome;
    if (outcome.screened.length > 0) outcome.screened.length = 0;
    if (outcome.halted.length > 0) outcome.halted.length = 0;
    outcome.isDuplicate = !this.#duplicates.addIfNew(event.id, recordTimeMs);
    outcome.scores = outcome.isDuplicate ? NO_SCORES : this.#scores;
    if (outcome.isDuplicate) return outcome;
    for (const member of this.#learning) this.#applyTo(member, event);
    if (outcome.halted.length > 0) {
      this.#selectLearning();
      outcome.scores = this.#scores;
    }
    return outcome;
  }

  /**
   * Adds a version that begins at the current position.
   *
   * @throws RangeError when the version is live already, four are, the parent is not, or its config cannot be copied
   */
  birth(version: number, config: LearnerConfig, how: BirthMode): void {
    if (this.#members.some(({ learner }) => learner.identity.version === version)) {
      throw new RangeError(`birth of version ${String(version)}: it is live already`);
    }
    if (this.#members.length >= LIVE_VERSIONS_MAX) {
      const live = `${String(this.#members.length)} versions are live`;
      throw new RangeError(
        `birth of version ${String(version)}: ${live}, allowed ${String(LIVE_VERSIONS_MAX)}`,
      );
    }
    const learner =
      how.mode === 'cold'
        ? VersionLearner.cold(this.#spec, version, config, this.position)
        : this.learner(how.parent).fork(version, config, this.position);
    this.#members = [...this.#members, memberOf(learner, null)].sort(byVersion);
    this.#selectLearning();
  }

  /** Removes a version and its state. Throws RangeError when it is not live. */
  retire(version: number): void {
    const gone = this.#member(version);
    this.#members = this.#members.filter((member) => member !== gone);
    this.#selectLearning();
  }

  /** Stops a version's scoring and learning for good; its state stays. Throws RangeError when it is not live. */
  halt(version: number): void {
    this.#member(version).haltedAt ??= this.position;
    this.#selectLearning();
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
  }

  #applyTo(member: Member, event: TrainingExample): void {
    const { version } = member.learner.identity;
    try {
      const { score, screened } = member.learner.step(event.row, event.label, event.weight);
      member.score.score = score;
      if (screened !== undefined) this.#outcome.screened.push({ version, reason: screened });
    } catch (error) {
      member.haltedAt = this.position;
      this.#outcome.halted.push({ version, reason: error instanceof Error ? error.message : String(error) });
    }
  }

  #metaBytes(): Uint8Array {
    const versions = this.#members.map(({ learner, haltedAt }) => ({ ...learner.identity, haltedAt }));
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

function memberOf(learner: VersionLearner, haltedAt: number | null): Member {
  return { learner, score: { version: learner.identity.version, score: 0 }, haltedAt };
}

function byVersion(a: Member, b: Member): number {
  return a.learner.identity.version - b.learner.identity.version;
}
