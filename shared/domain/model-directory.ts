import type { BirthMode, ModelVersionEvent, TrafficPlan } from './events.ts';
import type { PublishedModel } from './published-model.ts';
import type { LearnerConfig, ModelSpec } from './model-spec.ts';
import type { RolloutState, ValidationReport, VerdictEvidence } from './rollout.ts';

/** A version's part in a twin fork: two copies of one parent, born together, whose only difference is what is under test. */
export interface TwinPart {
  /** The control has its parent's settings, the candidate the changed ones. */
  readonly role: 'control' | 'candidate';
  /** The other half. */
  readonly of: number;
}

/** How a version starts; a `published` one is a file from elsewhere, which never learns. */
export type VersionMode = BirthMode | 'published';

/** A version as the log tells it. */
export interface VersionState {
  readonly version: number;
  readonly parent: number | null;
  readonly mode: VersionMode;
  /** Settings of its learner; a published version has none, and names those of its model. */
  readonly learner: LearnerConfig;
  /** `registered` until a learner has begun it, then `live` until it is `retired`. A published one is live at once. */
  readonly life: 'registered' | 'live' | 'retired';
  /** Whether it may be given traffic. */
  readonly isApproved: boolean;
  /**
   * Offset of training-events.v1 from which a `cold` version of a shard without any state starts: the end of the log when
   * the version was registered, so that every event sent after the registration's answer is learned. For `history` and
   * `milestone` the offset from which the past is read again.
   */
  readonly startPosition: number;
  /** Position at which the learner recorded its birth; null before. */
  readonly bornPosition: number | null;
  /** Sequence of the newest command to let it learn again after it was halted; 0 when there was none. */
  readonly resumeSequence: number;
  readonly registeredAtMs: number;
  /** Absent when it is no half of a twin fork. */
  readonly twin?: TwinPart;
  /** Absent when it learns. */
  readonly published?: PublishedModel;
}

/** A version that learns. */
export type LearningVersion = VersionState & { readonly mode: BirthMode };

/** A model as the log tells it. */
export interface ModelState {
  readonly spec: ModelSpec;
  readonly createdAtMs: number;
  /** All versions ever registered, ascending. */
  readonly versions: readonly VersionState[];
  readonly plan: TrafficPlan;
  /** Sequence of the newest command to keep a milestone; 0 when there was none. */
  readonly milestoneSequence: number;
  /** The newest command to go on at another position of the log with what was learned; null when there was none. */
  readonly repositioned: { readonly sequence: number; readonly position: number } | null;
  /** The newest rollout, under way or ended; null when there was none. */
  readonly rollout: RolloutState | null;
  /** Candidates that wait for the end of the rollout under way, oldest first. */
  readonly queued: readonly number[];
}

/** All models by name: the fold of model-versions.v1. */
export type ModelDirectory = ReadonlyMap<string, ModelState>;

/** What an event of a rollout adds: the rollout after it, who waits, and why, with the evidence when a verdict decided. */
export interface RolloutBody {
  readonly rollout: RolloutState | null;
  readonly queued: readonly number[];
  readonly because: string;
  readonly evidence: VerdictEvidence | null;
  /** The validation suite's report, kept with the version when the first live step begins. */
  readonly validation: ValidationReport | null;
}

/** What each kind of event adds, as JSON in its `body`. */
export interface ModelVersionBodies {
  ModelCreated: { readonly spec: ModelSpec };
  VersionRegistered: {
    readonly parent: number | null;
    readonly mode: VersionMode;
    readonly learner: LearnerConfig;
    readonly startPosition: number;
    readonly twin?: TwinPart;
    readonly published?: PublishedModel;
  };
  VersionApproved: Record<string, never>;
  VersionBorn: { readonly position: number };
  VersionRetired: Record<string, never>;
  VersionResumed: Record<string, never>;
  MilestoneRequested: Record<string, never>;
  ShardRepositioned: { readonly position: number };
  TrafficPlanned: Record<string, never>;
  RolloutStarted: RolloutBody;
  RolloutQueued: RolloutBody;
  RolloutApplied: RolloutBody;
  RolloutAdvanced: RolloutBody;
  RolloutPaused: RolloutBody;
  RolloutResumed: RolloutBody;
  RolloutExtended: RolloutBody;
  RolloutRolledBack: RolloutBody;
  RolloutAborted: RolloutBody;
  RolloutReplaced: RolloutBody;
  RolloutClosed: RolloutBody;
}

/** Returns versions that learn or are about to: registered and live ones, ascending. */
export function learningVersions(model: ModelState): readonly LearningVersion[] {
  return livingVersions(model).filter((version): version is LearningVersion => version.mode !== 'published');
}

/** Returns versions that learn or serve or are about to: registered and live ones, ascending. */
export function livingVersions(model: ModelState): readonly VersionState[] {
  return model.versions.filter(({ life }) => life !== 'retired');
}

function withVersion(model: ModelState, version: number | null, change: Partial<VersionState>): ModelState {
  return {
    ...model,
    versions: model.versions.map((known) => (known.version === version ? { ...known, ...change } : known)),
  };
}

function evolveModel(model: ModelState | undefined, event: ModelVersionEvent): ModelState | undefined {
  const body: unknown = JSON.parse(event.body);
  if (event.kind === 'ModelCreated') {
    const { spec } = body as ModelVersionBodies['ModelCreated'];
    return {
      spec,
      createdAtMs: event.atMs,
      versions: [],
      plan: event.plan,
      milestoneSequence: 0,
      repositioned: null,
      rollout: null,
      queued: [],
    };
  }
  if (model === undefined) return undefined;
  const planned = { ...model, plan: event.plan };
  switch (event.kind) {
    case 'VersionRegistered': {
      const version: VersionState = {
        ...(body as ModelVersionBodies['VersionRegistered']),
        version: event.version ?? 0,
        life: 'registered',
        isApproved: false,
        bornPosition: null,
        resumeSequence: 0,
        registeredAtMs: event.atMs,
      };
      return { ...planned, versions: [...model.versions, version] };
    }
    case 'VersionApproved':
      return withVersion(planned, event.version, { isApproved: true });
    case 'VersionBorn': {
      const { position } = body as ModelVersionBodies['VersionBorn'];
      return withVersion(planned, event.version, { life: 'live', bornPosition: position });
    }
    case 'VersionRetired':
      return withVersion(planned, event.version, { life: 'retired' });
    case 'VersionResumed':
      return withVersion(planned, event.version, { resumeSequence: event.sequence });
    case 'MilestoneRequested':
      return { ...planned, milestoneSequence: event.sequence };
    case 'ShardRepositioned': {
      const { position } = body as ModelVersionBodies['ShardRepositioned'];
      return { ...planned, repositioned: { sequence: event.sequence, position } };
    }
    case 'TrafficPlanned':
      return planned;
    case 'RolloutStarted':
    case 'RolloutQueued':
    case 'RolloutApplied':
    case 'RolloutAdvanced':
    case 'RolloutPaused':
    case 'RolloutResumed':
    case 'RolloutExtended':
    case 'RolloutRolledBack':
    case 'RolloutAborted':
    case 'RolloutReplaced':
    case 'RolloutClosed': {
      const { rollout, queued } = body as RolloutBody;
      const next = { ...planned, rollout, queued };
      // A policy that asks nobody has approved whom it gives traffic to.
      const hasTraffic = event.kind === 'RolloutAdvanced' && rollout !== null && rollout.phase !== 'shadow';
      return hasTraffic ? withVersion(next, rollout.candidate, { isApproved: true }) : next;
    }
  }
}

/** Returns the directory after one event of the log. Events of a model that was never created change nothing. */
export function evolveDirectory(directory: ModelDirectory, event: ModelVersionEvent): ModelDirectory {
  const next = evolveModel(directory.get(event.model), event);
  return next === undefined ? directory : new Map(directory).set(event.model, next);
}
