import type { LearnerConfig } from '../../../shared/domain/model-spec.ts';
import { wholeSection } from '../../../shared/domain/state-section.ts';
import type { StateSection } from '../../../shared/domain/state-section.ts';
import { DuplicateWindow } from '../../../shared/domain/duplicate-window.ts';
import { RowHasher } from '../../../shared/domain/row-hasher.ts';
import type { EventReader } from './event-reader.ts';
import type { ApplyOutcome } from './apply-outcome.ts';
import { Lockstep } from './lockstep.ts';
import type { Member } from './lockstep.ts';
import { decodeShardMeta, encodeShardMeta, readFormat } from './shard-meta.ts';
import type { TrainingExample } from './training-example.ts';
import type { StepTimer } from './time-budget.ts';
import type { Birth, VersionIdentity } from './version-identity.ts';
import { VersionLearner } from './version-learner.ts';
import type { RowSpec } from './version-learner.ts';

/** The most versions of a model that learn at a time. */
export const LIVE_VERSIONS_MAX = 4;

/** How a version begins: from nothing, or with all that a live version has learned. */
export type BirthMode = { readonly mode: 'cold' } | { readonly mode: 'copy'; readonly parent: number };

/** Where events that are applied together come from, by their place. */
export interface RowPlaces {
  /** Timestamp of the record, ms. */
  recordTimeMs(place: number): number;
  /** The shard's position when the record is applied. */
  position(place: number): number;
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
  readonly #lockstep = new Lockstep();
  #duplicates = new DuplicateWindow();

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
    shard.#lockstep.use(
      meta.versions.map(({ haltedAt, resumed, ...identity }) =>
        memberOf(VersionLearner.restore(spec, identity, read), haltedAt, resumed),
      ),
    );
    return shard;
  }

  /** The live versions, ascending, halted ones included. */
  get versions(): readonly VersionIdentity[] {
    return this.#lockstep.members.map(({ learner }) => learner.identity);
  }

  /** Numbers of the live versions, ascending; the same list until a version comes or goes. */
  get liveVersions(): readonly number[] {
    return this.#lockstep.live;
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
    if (!this.#duplicates.addIfNew(id, recordTimeMs)) return this.#lockstep.repeated();
    return this.#lockstep.step(this.hasher.row, { label, weight }, this.position, timer);
  }

  /**
   * As `apply`, of the first `count` events of a reader, which are regular: returns how many were no repeats and were scored,
   * which are the reader's first then. What became of each is told by `outcomeOf`.
   */
  applyRows(events: EventReader, count: number, places: RowPlaces, timer?: StepTimer): number {
    const duplicates = this.#duplicates;
    if (count > 1) {
      for (let place = 0; place < count; place++) duplicates.warm(events.idLow(place));
      duplicates.warmOldest(count);
    }
    let kept = 0;
    for (let place = 0; place < count; place++) {
      const recordTimeMs = places.recordTimeMs(place);
      if (!duplicates.addHashIfNew(events.idHigh(place), events.idLow(place), recordTimeMs)) continue;
      if (place !== kept) events.move(place, kept);
      kept += 1;
    }
    if (kept > 0) this.#lockstep.stepRows(events.block(kept), kept, places, timer);
    return kept;
  }

  /** Returns what became of an event of the last `applyRows`; reused by the next call. */
  outcomeOf(row: number): ApplyOutcome {
    return this.#lockstep.outcomeOf(row);
  }

  /** Writes the scores of an outcome, one a live version, NaN where it gave none; returns how many there are. */
  writeScores(outcome: ApplyOutcome, scores: Float64Array): number {
    return this.#lockstep.writeScores(outcome, scores);
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
    this.#lockstep.use(this.#lockstep.members.filter((member) => member !== gone));
  }

  /** Stops a version's scoring and learning until `resume`; its state stays. Throws RangeError when it is not live. */
  halt(version: number): void {
    this.#member(version).haltedAt ??= this.position;
    this.#lockstep.use(this.#lockstep.members);
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
    this.#lockstep.use(this.#lockstep.members);
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
      ...this.#lockstep.members.flatMap(({ learner }) => learner.sections()),
    ];
  }

  #assertRoom(version: number): void {
    if (this.#lockstep.members.some(({ learner }) => learner.identity.version === version)) {
      throw new RangeError(`birth of version ${String(version)}: it is live already`);
    }
    if (this.#lockstep.members.length < LIVE_VERSIONS_MAX) return;
    const live = `${String(this.#lockstep.members.length)} versions are live`;
    throw new RangeError(
      `birth of version ${String(version)}: ${live}, allowed ${String(LIVE_VERSIONS_MAX)}`,
    );
  }

  #admit(learner: VersionLearner): void {
    this.#lockstep.use([...this.#lockstep.members, memberOf(learner, null, 0)]);
  }

  #metaBytes(): Uint8Array {
    const versions = this.#lockstep.members.map(({ learner, haltedAt, resumed }) => ({
      ...learner.identity,
      haltedAt,
      resumed,
    }));
    const { position, lastRecordDigest } = this;
    return encodeShardMeta(this.#spec, { position, lastRecordDigest, versions });
  }

  #member(version: number): Member {
    const found = this.#lockstep.members.find(({ learner }) => learner.identity.version === version);
    if (found !== undefined) return found;
    const live = this.#lockstep.members.map(({ learner }) => String(learner.identity.version)).join(', ');
    throw new RangeError(`version ${String(version)} is not live, allowed ${live === '' ? 'none' : live}`);
  }
}

function memberOf(learner: VersionLearner, haltedAt: number | null, resumed: number): Member {
  return { learner, score: { version: learner.identity.version, score: 0 }, haltedAt, resumed };
}
