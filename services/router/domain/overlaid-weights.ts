/** Weights and where they belong: `weights[i]` at coordinate `indices[i]`; the coordinates ascend. */
export interface ListedWeights {
  readonly indices: Uint32Array<ArrayBuffer>;
  readonly weights: Float32Array<ArrayBuffer>;
}

/** Returns, in arrays of its own, what is at its coordinates after both lists were put there, the second over the first. */
export function overlaidWeights(first: ListedWeights, second: ListedWeights): ListedWeights {
  const [firstSize, secondSize] = [first.indices.length, second.indices.length];
  const indices = new Uint32Array(firstSize + secondSize);
  const weights = new Float32Array(firstSize + secondSize);
  // as integers, so that not even a NaN's bits change
  const [bits, firstBits, secondBits] = [bitsOf(weights), bitsOf(first.weights), bitsOf(second.weights)];
  let [i, j, count] = [0, 0, 0];
  while (i < firstSize || j < secondSize) {
    const a = i < firstSize ? (first.indices[i] ?? 0) : Infinity;
    const b = j < secondSize ? (second.indices[j] ?? 0) : Infinity;
    indices[count] = Math.min(a, b);
    bits[count++] = (b <= a ? secondBits[j] : firstBits[i]) ?? 0;
    if (a <= b) i++;
    if (b <= a) j++;
  }
  return { indices: indices.slice(0, count), weights: weights.slice(0, count) };
}

function bitsOf({ buffer, byteOffset, length }: Float32Array): Int32Array {
  return new Int32Array(buffer, byteOffset, length);
}
