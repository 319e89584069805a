/** Longest id that a client may give to a prediction, characters. */
export const CLIENT_ID_LENGTH_MAX = 120;

/** Shape of a prediction id: `<shard>~<id>`, so that a label finds its shard without a look-up. */
export const PREDICTION_ID_PATTERN = /^(0|[1-9][0-9]{0,3})~[\x21-\x7e]{1,120}$/;

/** Returns the prediction id of an id within a shard. */
export function predictionId(shard: number, id: string): string {
  return `${String(shard)}~${id}`;
}

/** Returns the shard that a prediction id names, or undefined when it is not a prediction id. */
export function shardOfPrediction(id: string): number | undefined {
  const match = PREDICTION_ID_PATTERN.exec(id);
  return match === null ? undefined : Number(match[1]);
}

/** Returns the shard of a subject: one shard today, so always 0. */
export function shardOfSubject(_subject: string, shards: 1): number {
  return shards - 1;
}
