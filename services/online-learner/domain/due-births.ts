import { learningVersions } from '../../../shared/domain/model-directory.ts';
import type { LearningVersion, ModelState } from '../../../shared/domain/model-directory.ts';

/** Where a shard without any stored state begins, or why it cannot. */
export type ShardStart =
  | { readonly kind: 'start'; readonly position: number }
  | { readonly kind: 'nothing-to-learn' }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Returns where a shard without stored state begins: at the first recorded birth when the log says that versions were
 * born (their state was lost and is learned again), else where its first version was registered.
 */
export function shardStart(model: ModelState): ShardStart {
  const learning = learningVersions(model);
  if (learning.length === 0) return { kind: 'nothing-to-learn' };
  const living = new Set(learning.map(({ version }) => version));
  for (const { version, mode, parent, bornPosition } of learning) {
    if (bornPosition !== null && isFromPast(mode)) {
      const reason = `version ${String(version)} learned the past before it joined the others at ${String(bornPosition)}: only a milestone can bring it back`;
      return { kind: 'refused', reason };
    }
    if (mode === 'copy' && !living.has(parent ?? 0)) {
      const reason = `version ${String(version)} is a copy of version ${String(parent)}, which is retired: its state cannot be learned again from the log`;
      return { kind: 'refused', reason };
    }
  }
  const first = learning[0];
  const atOnce = learning.filter((version) => version === first || !isFromPast(version.mode));
  const position = Math.min(
    ...atOnce.map(({ bornPosition, startPosition }) => bornPosition ?? startPosition),
  );
  return { kind: 'start', position };
}

function isFromPast(mode: LearningVersion['mode']): boolean {
  return mode === 'history' || mode === 'milestone';
}

/**
 * Returns the versions that must learn the past before they can join the living ones. The first version of a shard that knows
 * nothing is not among them: the shard itself begins in the past then.
 */
export function pastLearners(model: ModelState, living: readonly number[]): readonly LearningVersion[] {
  if (living.length === 0) return [];
  return learningVersions(model).filter(({ version, mode }) => isFromPast(mode) && !living.includes(version));
}

/** Returns where a version's birth is recorded; halves of a twin fork are born together, so one record is that of both. */
function recordedBirth(model: ModelState, { bornPosition, twin }: LearningVersion): number | null {
  const other = model.versions.find(({ version }) => version === twin?.of);
  return bornPosition ?? other?.bornPosition ?? null;
}

/** Returns whether a version is half of a twin fork whose other half is not in the log yet: it waits for it. */
function waitsForTwin(model: ModelState, { twin }: LearningVersion): boolean {
  return twin !== undefined && !model.versions.some(({ version }) => version === twin.of);
}

/**
 * Returns the offset from which a waiting version is to be born: its recorded birth, at once when nobody has recorded one, or
 * never while it learns the past by itself.
 */
function dueFrom({ bornPosition, startPosition, mode }: LearningVersion, living: readonly number[]): number {
  if (living.length > 0 && isFromPast(mode)) return Infinity;
  return bornPosition ?? (mode !== 'copy' && living.length === 0 ? startPosition : 0);
}

/** Returns the versions that do not live yet and could be born, with their recorded births. */
function unborn(model: ModelState, living: readonly number[]): readonly LearningVersion[] {
  return learningVersions(model)
    .filter((version) => !living.includes(version.version) && !waitsForTwin(model, version))
    .map((version): LearningVersion => ({ ...version, bornPosition: recordedBirth(model, version) }));
}

/** Returns the offset from which the next of the versions that do not live yet is to be born; Infinity when none is. */
export function nextBirth(model: ModelState, living: readonly number[]): number {
  return Math.min(Infinity, ...unborn(model, living).map((version) => dueFrom(version, living)));
}

/**
 * Returns the versions that are to be born at a position: those not yet living whose recorded birth is there, and those
 * whose birth nobody has recorded, parents before their copies. Their `bornPosition` is the recorded one.
 */
export function dueBirths(
  model: ModelState,
  living: readonly number[],
  position: number,
): readonly LearningVersion[] {
  return unborn(model, living)
    .filter((version) => dueFrom(version, living) <= position)
    .sort((a, b) => (a.bornPosition ?? Infinity) - (b.bornPosition ?? Infinity) || a.version - b.version);
}
