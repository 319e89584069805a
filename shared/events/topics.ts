import type {
  Artefact,
  DeadLetter,
  Labels,
  Milestone,
  ModelVersionEvent,
  Predictions,
  PublishedTrafficPlan,
  RouterStatus,
  Scores,
  Snapshot,
  TrainingEvents,
  Verdict,
} from '../domain/events.ts';
import type { SnapshotKind } from '../domain/snapshot-kind.ts';

/** The record type of each topic. */
export interface TopicRecords {
  'training-events.v1': TrainingEvents;
  'predictions.v1': Predictions;
  'labels.v1': Labels;
  'scores.v1': Scores;
  'snapshots.v1': Snapshot;
  'model-versions.v1': ModelVersionEvent;
  'traffic.v1': PublishedTrafficPlan;
  'router-status.v1': RouterStatus;
  'milestones.v1': Milestone;
  'artefacts.v1': Artefact;
  'verdicts.v1': Verdict;
  'dead-letters.v1': DeadLetter;
}

/** A topic of the system. */
export type TopicName = keyof TopicRecords;

/** How a topic is made. */
export interface TopicSettings {
  readonly name: TopicName;
  /** Sharded topics share one partition count; control topics have one partition. */
  readonly isSharded: boolean;
  /** Topic configuration as Kafka spells it. */
  readonly config: Readonly<Record<string, string>>;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const MIB = 1024 * 1024;

function kept(days: number, maxBytes = 4 * MIB): Record<string, string> {
  return {
    'cleanup.policy': 'delete',
    'retention.ms': days < 0 ? '-1' : String(days * DAY_MS),
    'max.message.bytes': String(maxBytes),
  };
}

function compacted(maxBytes: number, extra: Record<string, string> = {}): Record<string, string> {
  return { 'cleanup.policy': 'compact', 'max.message.bytes': String(maxBytes), ...extra };
}

/** Largest record of `snapshots.v1`, bytes. Larger snapshots are sent in chunks. */
export const SNAPSHOT_RECORD_BYTES = 16 * MIB;

/** Every topic with its settings; `deploy/topics` makes them, the services check that they exist. */
export const TOPICS: readonly TopicSettings[] = [
  { name: 'training-events.v1', isSharded: true, config: kept(14) },
  { name: 'predictions.v1', isSharded: true, config: kept(7) },
  { name: 'labels.v1', isSharded: true, config: kept(7) },
  { name: 'scores.v1', isSharded: true, config: kept(1) },
  {
    name: 'snapshots.v1',
    isSharded: true,
    config: compacted(SNAPSHOT_RECORD_BYTES, {
      'segment.ms': '60000',
      'min.cleanable.dirty.ratio': '0.1',
      'max.compaction.lag.ms': '120000',
    }),
  },
  { name: 'milestones.v1', isSharded: true, config: compacted(SNAPSHOT_RECORD_BYTES) },
  { name: 'artefacts.v1', isSharded: false, config: compacted(4 * MIB) },
  { name: 'model-versions.v1', isSharded: false, config: kept(-1) },
  { name: 'traffic.v1', isSharded: false, config: compacted(MIB) },
  {
    name: 'router-status.v1',
    isSharded: false,
    config: {
      'cleanup.policy': 'compact,delete',
      'retention.ms': String(DAY_MS),
      'max.message.bytes': String(MIB),
    },
  },
  { name: 'verdicts.v1', isSharded: false, config: kept(30, MIB) },
  { name: 'dead-letters.v1', isSharded: false, config: kept(30, SNAPSHOT_RECORD_BYTES + MIB) },
];

/** Returns the schema registry's name for the values of a topic. */
export function subjectOf(topic: TopicName): string {
  return `${topic}-value`;
}

/** Returns the key of a piece of a published file. */
export function artefactKey(digest: string, chunkIndex: number): string {
  return `${digest}/${String(chunkIndex)}`;
}

/** Returns the key of a piece of a version's newest snapshot of a kind: a chunk, or of steps one of those since the newest delta. */
export function snapshotKey(shardKey: string, version: number, kind: SnapshotKind, piece = 0): string {
  const base = `${shardKey}/${String(version)}/${kind}`;
  return piece === 0 ? base : `${base}/${String(piece)}`;
}
