import type { TrainingEvent } from '../../../shared/domain/events.ts';

/** Longest id of an event, UTF-16 code units. */
export const ID_LENGTH_MAX = 128;

/** Longest subject, UTF-16 code units. */
export const SUBJECT_LENGTH_MAX = 256;

/** Largest importance of an event. */
export const WEIGHT_MAX = 1000;

/**
 * Returns the first fault of an event as a sentence with the field, the value and what is allowed, or undefined when it
 * may be learned. Producers write Kafka themselves, so nothing that ingest checks is taken for granted here.
 *
 * @param columns number of feature names of its record
 */
export function checkEvent(event: TrainingEvent, columns: number): string | undefined {
  const { id, subject, features, label, weight, eventTimeMs } = event;
  if (id.length < 1 || id.length > ID_LENGTH_MAX) {
    return `id has ${String(id.length)} characters, allowed 1 … ${String(ID_LENGTH_MAX)}`;
  }
  if (subject.length < 1 || subject.length > SUBJECT_LENGTH_MAX) {
    return `subject has ${String(subject.length)} characters, allowed 1 … ${String(SUBJECT_LENGTH_MAX)}`;
  }
  if (features.length !== columns) {
    return `features has ${String(features.length)} values, allowed ${String(columns)} as featureNames`;
  }
  if (label !== 0 && label !== 1) return `label ${String(label)}, allowed 0 or 1`;
  if (!(weight > 0 && weight <= WEIGHT_MAX))
    return `weight ${String(weight)}, allowed (0, ${String(WEIGHT_MAX)}]`;
  if (eventTimeMs < 0) return `eventTimeMs ${String(eventTimeMs)}, allowed 0 or more`;
  return undefined;
}
