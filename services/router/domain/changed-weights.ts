/** Weights and where they belong: `weights[i]` at coordinate `indices[i]`. */
export interface ListedWeights {
  readonly indices: Uint32Array<ArrayBuffer>;
  readonly weights: Float32Array<ArrayBuffer>;
}

let scratch = { indices: new Uint32Array(0), bits: new Uint32Array(0) };

/**
 * Returns, in arrays of its own, what a list has that the list before it on the same full snapshot had not, or had otherwise.
 * Both are ascending, as learners send them; of a list that is not, everything is returned. Costs one walk over both.
 *
 * @param before undefined when there was none
 */
export function changedWeights(before: ListedWeights | undefined, now: ListedWeights): ListedWeights {
  if (before === undefined) return { indices: now.indices.slice(), weights: now.weights.slice() };
  const size = now.indices.length;
  if (size > scratch.indices.length)
    scratch = { indices: new Uint32Array(2 * size), bits: new Uint32Array(2 * size) };
  const { indices, bits } = scratch;
  const nowBits = bitsOf(now.weights);
  const beforeBits = bitsOf(before.weights);
  const known = before.indices;
  let count = 0;
  let last = -1;
  let at = 0;
  for (let i = 0; i < size; i++) {
    const index = now.indices[i] ?? 0;
    if (index <= last) return changedWeights(undefined, now);
    last = index;
    while (at < known.length && (known[at] ?? 0) < index) at++;
    if (known[at] === index && beforeBits[at] === nowBits[i]) continue;
    indices[count] = index;
    bits[count++] = nowBits[i] ?? 0;
  }
  return {
    indices: indices.slice(0, count),
    weights: new Float32Array(bits.slice(0, count).buffer),
  };
}

/** The bits decide: 0 and -0 are two weights. */
function bitsOf({ buffer, byteOffset, length }: Float32Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length);
}
