import type { LearnerConfig, ModelSpec } from '../../../shared/domain/model-spec.ts';
import type { PublishedModel } from '../../../shared/domain/published-model.ts';
import type { Signature } from '../domain/published-ask.ts';
import type { SpecFault } from '../domain/spec-fault.ts';
import type { StartFrom } from '../domain/start-from.ts';
import type { Rollouts } from '../rollouts.ts';
import type { Registry } from '../service.ts';

/** What the routes need. */
export interface RegistryRoutesDeps {
  /** Returns the registry when it can be read; throws 503 naming what it waits for. */
  readonly readable: () => Registry;
  /** Returns the registry when this process decides; throws 503 naming the leader. */
  readonly writable: () => Promise<Registry>;
  /** Returns what moves rollouts; throws 503 naming what it waits for. */
  readonly rollouts: () => Rollouts;
  readonly parseModelSpec: (text: string) => Parsed<ModelSpec>;
  readonly parseLearner: (given: unknown, base: LearnerConfig) => Parsed<LearnerConfig>;
  /** Returns the offset of training-events.v1 that is meant; throws 422 when the log does not have it. */
  readonly startOf: (model: string, from: StartFrom) => Promise<number>;
  readonly published: PublishedDeps;
}

/** What publishing a file needs. */
export interface PublishedDeps {
  readonly fileBytesMax: number;
  /** Reads, loads and tries a file apart from this process. */
  readonly check: (
    spec: ModelSpec,
    asked: { readonly file: Uint8Array; readonly signature: Signature; readonly probe: unknown },
  ) => Promise<Parsed<PublishedModel>>;
  /** Writes a file to where routers find it by its digest; resolves when it is acknowledged. */
  readonly keep: (digest: string, file: Uint8Array) => Promise<unknown>;
}

/** A value, or everything that is wrong with it. */
export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly faults: readonly SpecFault[] };
