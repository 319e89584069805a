import type { Tracing } from './ports.ts';

/** What was answered, and to whom. */
export interface FirstAnswer {
  readonly model: string;
  readonly version: number;
  /** Empty when nobody's prediction was logged. */
  readonly predictionId: string;
  readonly snapshotPosition: number;
  /** Trace context of the request that it answers. */
  readonly traceparent: string | undefined;
}

/**
 * The way of a traced event ends here: at the first answer that has learned it.
 *
 * @param learned trace context of the event
 */
export function traceFirstAnswer(tracing: Tracing, learned: string | undefined, answer: FirstAnswer): void {
  const span = tracing.begin('first prediction that learned it', 'internal', learned, {
    link: answer.traceparent,
    attributes: {
      'headrace.model': answer.model,
      'headrace.version': answer.version,
      'headrace.prediction_id': answer.predictionId,
      'headrace.snapshot_position': answer.snapshotPosition,
    },
  });
  span?.end();
}
