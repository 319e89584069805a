import type { Prediction, TrainingEvent } from '../../../shared/domain/events.ts';

/**
 * Returns the example that a prediction and its label make. Its id is the prediction's, so that a pair emitted twice is
 * learned once.
 *
 * @param labelledAtMs when the label was observed, ms since the Unix epoch; null for a default label
 */
export function trainingEvent(
  prediction: Prediction,
  label: number,
  labelledAtMs: number | null,
): TrainingEvent {
  const {
    id,
    predictedAtMs,
    subject,
    features,
    planVersion,
    assignedArm,
    servedVersion,
    assignmentProbability,
    scores,
  } = prediction;
  return {
    id,
    eventTimeMs: predictedAtMs,
    subject,
    features,
    label,
    weight: 1,
    labelSource: labelledAtMs === null ? 'default' : 'label',
    served: {
      predictionId: id,
      predictedAtMs,
      planVersion,
      assignedArm,
      servedVersion,
      assignmentProbability,
      scores,
      labelledAtMs,
    },
  };
}
