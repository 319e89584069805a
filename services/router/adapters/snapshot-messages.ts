import type { SnapshotNews, SnapshotReply } from '../domain/snapshot-news.ts';

/** What the thread that reads snapshots.v1 is given when it starts. */
export interface SnapshotThreadInput {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly schemaRegistryUrl: string;
  readonly service: string;
  readonly logLevel: string;
}

/** What it says. */
export type FromSnapshotThread =
  SnapshotNews | { readonly kind: 'caught-up' } | { readonly kind: 'undecodable' };

/** What it is told. */
export type ToSnapshotThread =
  | SnapshotReply
  /** Kafka has been reached: it may follow the topic. */
  | { readonly kind: 'begin' }
  | { readonly kind: 'stop' };
