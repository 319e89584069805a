import type { Tracing } from './ports.ts';
import type { AppliedSnapshot } from './version-runs.ts';

/** Whose answer it is. */
export interface FirstAnswer {
  readonly model: string;
  readonly version: number;
  /** Empty when nobody's prediction was logged. */
  readonly predictionId: string;
  /** Trace context of the request that it answers. */
  readonly traceparent: string | undefined;
}

/** The way of a traced event ends here: at the first answer that has learned it. */
export function traceFirstAnswer(tracing: Tracing, snapshot: AppliedSnapshot, answer: FirstAnswer): void {
  if (snapshot.takeTrace === undefined) return;
  const span = tracing.begin('first prediction that learned it', 'internal', snapshot.takeTrace(), {
    link: answer.traceparent,
    attributes: {
      'headrace.model': answer.model,
      'headrace.version': answer.version,
      'headrace.prediction_id': answer.predictionId,
      'headrace.snapshot_position': snapshot.position,
    },
  });
  span?.end();
}
