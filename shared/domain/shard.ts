/** Returns the name of a model's shard, which is the key of its records and the prefix of its state. */
export function shardKey(model: string, shard: number): string {
  return `${model}#${String(shard)}`;
}

/** Returns the model and shard of a key made by `shardKey`, or undefined when it is not one. */
export function parseShardKey(key: string): { model: string; shard: number } | undefined {
  const match = /^([a-z][a-z0-9-]{0,62})#(0|[1-9][0-9]{0,3})$/.exec(key);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { model: match[1], shard: Number(match[2]) };
}

/** Shape of a model's name: lower case letters, digits and hyphens, 1 … 63, a letter first. */
export const MODEL_NAME_PATTERN = '^[a-z][a-z0-9-]{0,62}$';
