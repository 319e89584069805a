import type { VerdictEvidence } from './rollout.ts';

/** An event of the version log, as the registry shows it to operators. */
export interface HistoryEventView {
  readonly sequence: number;
  readonly atMs: number;
  readonly actor: string;
  readonly kind: string;
  readonly version: number | null;
  readonly reason: string;
  readonly hash: string;
  readonly previousHash: string;
  readonly body: { readonly because?: string; readonly evidence?: VerdictEvidence | null };
}

/** The newest event of a rollout in short, as the registry shows it to operators. */
export interface RolloutEventView {
  readonly kind: string;
  readonly atMs: number;
  readonly actor: string;
  readonly because: string;
}

/** How far a consumer group is behind on one partition. */
export interface PartitionLag {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly committed: number;
  readonly end: number;
  readonly lag: number;
}
