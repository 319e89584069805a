import {
  isObject,
  rowOf,
  shown,
  SUBJECT_LENGTH_MAX,
  textFault,
  timeFault,
  unknownField,
} from '../../../shared/domain/check-item.ts';
import type { ItemFault } from '../../../shared/domain/check-item.ts';
import type { FeatureValue, ModelSpec } from '../../../shared/domain/model-spec.ts';
import {
  CLIENT_ID_LENGTH_MAX,
  predictionId,
  PREDICTION_ID_PATTERN,
} from '../../../shared/domain/prediction-id.ts';

/** A sound request for one prediction. */
export interface PredictAsk {
  readonly subject: string;
  /** Features in the order of the spec. */
  readonly row: readonly FeatureValue[];
  /** The client's id; undefined when it gave none. */
  readonly id: string | undefined;
  /** Event time of the prediction, ms since the Unix epoch. */
  readonly predictedAtMs: number;
}

const FIELDS = ['subject', 'features', 'id', 'predictedAtMs'];

function idFault(id: unknown): ItemFault | undefined {
  const fault = textFault('id', id, CLIENT_ID_LENGTH_MAX);
  if (fault !== undefined || PREDICTION_ID_PATTERN.test(predictionId(0, id as string))) return fault;
  return { field: 'id', message: `${shown(id)} has characters other than printable ASCII without the space` };
}

/** Returns the request that a parsed JSON body is, or the first thing wrong with it. */
export function parsePredict(
  body: unknown,
  spec: ModelSpec,
  nowMs: number,
): { readonly ask: PredictAsk } | { readonly fault: ItemFault } {
  if (!isObject(body)) return { fault: { field: '(body)', message: `${shown(body)} is not an object` } };
  const { subject, id, predictedAtMs = nowMs } = body;
  const fault =
    unknownField(body, FIELDS) ??
    textFault('subject', subject, SUBJECT_LENGTH_MAX) ??
    (id === undefined ? undefined : idFault(id)) ??
    timeFault('predictedAtMs', predictedAtMs, nowMs);
  if (fault !== undefined) return { fault };
  const features = rowOf(body['features'], spec.features);
  if ('fault' in features) return features;
  return {
    ask: {
      subject: subject as string,
      row: features.row,
      id: id as string | undefined,
      predictedAtMs: predictedAtMs as number,
    },
  };
}
