import type { SpareMemory } from '../../../shared/domain/spare-memory.ts';

/** Weights and where they belong: `weights[i]` at coordinate `indices[i]`; the coordinates ascend. */
export interface ListedWeights {
  readonly indices: Uint32Array<ArrayBuffer>;
  readonly weights: Float32Array<ArrayBuffer>;
}

let scratch = { indices: new Uint32Array(0), bits: new Int32Array(0) };

/** No weights. */
export const NOTHING: ListedWeights = { indices: new Uint32Array(0), weights: new Float32Array(0) };

/**
 * Returns, in arrays of its own, what a list has that what was put there before it had not, or had otherwise. Costs one walk over
 * all lists.
 *
 * @param under what was put there first
 * @param over what was put over it
 */
export function changedWeights(
  now: ListedWeights,
  under: ListedWeights = NOTHING,
  over: ListedWeights = NOTHING,
): ListedWeights {
  const size = now.indices.length;
  if (size > scratch.indices.length)
    scratch = { indices: new Uint32Array(2 * size), bits: new Int32Array(2 * size) };
  const { indices, bits } = scratch;
  const [nowBits, underBits, overBits] = [bitsOf(now.weights), bitsOf(under.weights), bitsOf(over.weights)];
  const [nowIndices, underIndices, overIndices] = [now.indices, under.indices, over.indices];
  const [underSize, overSize] = [underIndices.length, overIndices.length];
  let [count, low, high] = [0, 0, 0];
  for (let i = 0; i < size; i++) {
    const index = nowIndices[i] ?? 0;
    const bitsNow = nowBits[i] ?? 0;
    while (low < underSize && (underIndices[low] ?? 0) < index) low++;
    while (high < overSize && (overIndices[high] ?? 0) < index) high++;
    const isOver = high < overSize && overIndices[high] === index;
    const isUnder = !isOver && low < underSize && underIndices[low] === index;
    if ((isOver && overBits[high] === bitsNow) || (isUnder && underBits[low] === bitsNow)) continue;
    indices[count] = index;
    bits[count++] = bitsNow;
  }
  return {
    indices: indices.slice(0, count),
    weights: new Float32Array(bits.slice(0, count).buffer),
  };
}

/** Returns what is at its coordinates after both lists were put there, the second over the first, in memory that is lent. */
export function overlaidWeights(
  first: ListedWeights,
  second: ListedWeights,
  spares: SpareMemory,
): ListedWeights {
  const most = first.indices.length + second.indices.length;
  const [indexBytes, weightBytes] = [spares.lend(4 * most), spares.lend(4 * most)];
  const indices = new Uint32Array(indexBytes, 0, most);
  const bits = new Int32Array(weightBytes, 0, most);
  const [firstBits, secondBits] = [bitsOf(first.weights), bitsOf(second.weights)];
  let [i, j, count] = [0, 0, 0];
  while (i < first.indices.length || j < second.indices.length) {
    const a = first.indices[i] ?? Infinity;
    const b = second.indices[j] ?? Infinity;
    indices[count] = Math.min(a, b);
    bits[count++] = (b <= a ? secondBits[j] : firstBits[i]) ?? 0;
    if (a <= b) i++;
    if (b <= a) j++;
  }
  return { indices: indices.subarray(0, count), weights: new Float32Array(weightBytes, 0, count) };
}

/** The bits decide: 0 and -0 are two weights. Signed ones, which are compared without becoming doubles. */
function bitsOf({ buffer, byteOffset, length }: Float32Array): Int32Array {
  return new Int32Array(buffer, byteOffset, length);
}
