import type { ScoredEvent, TrainingEvents } from '../../../shared/domain/events.ts';
import { arrangeRow, rowOrderOf } from '../../../shared/domain/feature-row-order.ts';
import { checkRow } from '../../../shared/domain/feature-row.ts';
import type { FeatureValue, ModelSpec } from '../../../shared/domain/model-spec.ts';
import type { Refusal } from '../../../shared/domain/outcome.ts';
import { checkEvent } from './check-event.ts';
import type { ShardLearner, VersionReason } from './shard-learner.ts';
import type { StepTimer } from './time-budget.ts';

/** What one record did to a shard. */
export interface AppliedRecord {
  readonly scored: readonly ScoredEvent[];
  readonly refused: readonly Refusal[];
  /** Versions that threw. */
  readonly halted: readonly VersionReason[];
  readonly learned: number;
  readonly duplicates: number;
  readonly screened: number;
  /** Latest event time among the learned events, ms; null when none was learned. */
  readonly learnedToMs: number | null;
}

/** What applying a record needs besides the record. */
export interface ApplyContext {
  readonly learner: ShardLearner;
  readonly spec: ModelSpec;
  /** Offset of the record. */
  readonly offset: number;
  /** Timestamp of the record, ms. */
  readonly recordTimeMs: number;
  /** A row of the spec's width to work in. */
  readonly row: FeatureValue[];
  /** Called with the row of every event that was learned; it is reused. */
  readonly onLearned?: (row: readonly FeatureValue[]) => void;
  /** Measures the steps of some events. */
  readonly timer?: StepTimer;
}

/** Applies every event of a record in order and moves the learner's position past it. Synchronous. */
export function applyRecord(record: TrainingEvents, context: ApplyContext): AppliedRecord {
  const { learner, spec, row, timer, onLearned } = context;
  const { features } = spec;
  const order = rowOrderOf(record.featureNames, features);
  const refused: Refusal[] = [];
  const scored: ScoredEvent[] = [];
  const halted: VersionReason[] = [];
  let learned = 0;
  let duplicates = 0;
  let screened = 0;
  let learnedToMs: number | null = null;
  const example = { id: '', row, label: 0, weight: 0 };
  for (const [itemIndex, event] of record.events.entries()) {
    arrangeRow(order, event.features, row);
    const fault = checkEvent(event, record.featureNames.length) ?? checkRow(row, features);
    if (fault !== undefined) {
      refused.push({ itemIndex, reason: 'invalid', detail: fault });
      continue;
    }
    const { id, label, weight, eventTimeMs } = event;
    example.id = id;
    example.label = label;
    example.weight = weight;
    const outcome = learner.apply(example, context.recordTimeMs, timer);
    if (outcome.isDuplicate) {
      duplicates += 1;
      continue;
    }
    if (outcome.halted.length > 0) halted.push(...outcome.halted);
    const first = outcome.screened[0];
    if (first !== undefined) {
      const detail = `version ${String(first.version)}: ${first.reason}`;
      refused.push({ itemIndex, reason: 'screened', detail });
      screened += 1;
    } else {
      learned += 1;
      onLearned?.(row);
      learnedToMs = Math.max(learnedToMs ?? 0, eventTimeMs);
    }
    const scores = learner.scoresOf(outcome);
    scored.push({ eventId: id, eventTimeMs, label, weight, scores, served: event.served !== null });
  }
  learner.position = context.offset + 1;
  return { scored, refused, halted, learned, duplicates, screened, learnedToMs };
}
