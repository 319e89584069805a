import type { SnapshotNews, SnapshotReply, SnapshotUpdate } from '../domain/snapshot-news.ts';

/** What the thread that reads snapshots.v1 is given when it starts. */
export interface SnapshotThreadInput {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly schemaRegistryUrl: string;
  readonly service: string;
  readonly logLevel: string;
}

/** An update whose golden rows are bytes: whatever is no plain array takes long to go from thread to thread. */
interface UpdateMessage {
  readonly kind: 'update';
  readonly model: string;
  readonly version: number;
  readonly update: Omit<SnapshotUpdate, 'golden'>;
  readonly golden: Uint8Array<ArrayBuffer>;
}

/** What it says. */
export type FromSnapshotThread =
  | UpdateMessage
  | Exclude<SnapshotNews, { readonly kind: 'update' }>
  | { readonly kind: 'caught-up' }
  | { readonly kind: 'undecodable' };

/** What it is told. */
export type ToSnapshotThread =
  | SnapshotReply
  /** Kafka has been reached: it may follow the topic. */
  | { readonly kind: 'begin' }
  | { readonly kind: 'stop' };
