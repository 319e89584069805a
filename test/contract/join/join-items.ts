import type { JoinItem, JoinPrediction } from '../../../services/ingest/ports.ts';
import type { Prediction } from '../../../shared/domain/events.ts';

/** The label window of the items below, ms. */
export const WINDOW_MS = 1000;

/** Returns a prediction as a router logs it. */
export function prediction(id: string, predictedAtMs: number): Prediction {
  return {
    id,
    predictedAtMs,
    subject: 'Zoë',
    features: ['red', 1.5, null],
    planVersion: 3,
    assignedArm: 'candidate',
    servedVersion: 1,
    assignmentProbability: 0.25,
    position: 40,
    learnedToMs: null,
    stalenessMs: 7,
    latencyMicros: 800,
    scores: [
      { version: 1, score: 0.1 + 0.2, scoringMicros: 9, failed: false },
      { version: 2, score: null, scoringMicros: -1, failed: true },
    ],
  };
}

/** Returns a prediction as the join keeps it. */
export function joinPrediction(id: string, predictedAtMs: number): JoinPrediction {
  return { prediction: prediction(id, predictedAtMs), featureNames: ['colour', 'size', 'isNew'] };
}

/** Returns a prediction from a record of the log; its source names the record. */
export function predictionItem(id: string, predictedAtMs: number, source = `p/${id}`): JoinItem {
  return {
    kind: 'prediction',
    source,
    of: joinPrediction(id, predictedAtMs),
    deadlineMs: predictedAtMs + WINDOW_MS,
  };
}

/** Returns a label from a record of the log. */
export function labelItem(
  predictionId: string,
  observedAtMs: number,
  { label = 1, source = `l/${predictionId}` } = {},
): JoinItem {
  return {
    kind: 'label',
    source,
    label: { predictionId, label, observedAtMs, source: 'test' },
    forgetAtMs: observedAtMs + WINDOW_MS,
  };
}
