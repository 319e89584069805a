import type { AvroBody, AvroWriter } from '../../../shared/domain/avro-writer.ts';
import type { Prediction } from '../../../shared/domain/events.ts';
import type { FeatureValue } from '../../../shared/domain/model-spec.ts';

/** Places of the branches in the schema's union of a feature's value. */
export const VALUE_BRANCH = { null: 0, boolean: 1, double: 2, string: 3 } as const;

/** Writes a feature's value as predictions.v1 has it. */
export function writeValue(writer: AvroWriter, value: FeatureValue): void {
  if (value === null) writer.writeLong(VALUE_BRANCH.null);
  else if (typeof value === 'number') {
    writer.writeLong(VALUE_BRANCH.double);
    writer.writeDouble(value);
  } else if (typeof value === 'string') {
    writer.writeLong(VALUE_BRANCH.string);
    writer.writeString(value);
  } else {
    writer.writeLong(VALUE_BRANCH.boolean);
    writer.writeBoolean(value);
  }
}

/** A row that writes its features, which are not made into values where they came as bytes. */
export interface WrittenRow {
  /** Writes as many values as the model has features. */
  writeFeatures(writer: AvroWriter): void;
}

/** A prediction, and its row instead of its features. */
export interface WrittenPrediction extends Omit<Prediction, 'features'> {
  readonly row: WrittenRow;
}

/** Writes one item of predictions.v1, in the order of its schema. */
export function writePrediction(writer: AvroWriter, prediction: WrittenPrediction, features: number): void {
  writer.writeString(prediction.id);
  writer.writeLong(prediction.predictedAtMs);
  writer.writeString(prediction.subject);
  if (features > 0) {
    writer.writeLong(features);
    prediction.row.writeFeatures(writer);
  }
  writer.writeLong(0);
  writer.writeLong(prediction.planVersion);
  writer.writeString(prediction.assignedArm);
  writer.writeLong(prediction.servedVersion);
  writer.writeDouble(prediction.assignmentProbability);
  writer.writeLong(prediction.position);
  writer.writeLong(prediction.learnedToMs === null ? 0 : 1);
  if (prediction.learnedToMs !== null) writer.writeLong(prediction.learnedToMs);
  writer.writeLong(prediction.stalenessMs);
  writer.writeLong(prediction.latencyMicros);
  const { scores } = prediction;
  if (scores.length > 0) {
    writer.writeLong(scores.length);
    for (const { version, score, scoringMicros, failed } of scores) {
      writer.writeLong(version);
      writer.writeLong(score === null ? 0 : 1);
      if (score !== null) writer.writeDouble(score);
      writer.writeLong(scoringMicros);
      writer.writeBoolean(failed);
    }
  }
  writer.writeLong(0);
}

/** What all predictions of a record share. */
export interface PredictionsHead {
  readonly model: string;
  readonly shard: number;
  readonly featureNames: readonly string[];
  readonly router: string;
}

/** Returns the body of a record of predictions.v1, whose items are written already. */
export function predictionsBody(
  body: AvroWriter,
  { model, shard, featureNames, router }: PredictionsHead,
  items: { readonly count: number; readonly bytes: AvroWriter },
): AvroBody {
  body.clear();
  body.writeString(model);
  body.writeLong(shard);
  if (featureNames.length > 0) {
    body.writeLong(featureNames.length);
    for (const name of featureNames) body.writeString(name);
  }
  body.writeLong(0);
  body.writeString(router);
  if (items.count > 0) {
    body.writeLong(items.count);
    body.append(items.bytes);
  }
  body.writeLong(0);
  return body.take();
}
