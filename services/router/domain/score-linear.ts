/**
 * Scores of the linear family, sigmoid(Σ weights[index] · value), in float32 and to the same bits as ONNX Runtime 1.30 computes
 * them on x86-64 from the graph of `shared/onnx/scoring-graph.ts`. Whoever uses them compares with ONNX Runtime first.
 */

/** Numbers of an SSE register: what the sums of ONNX Runtime are made of. */
const LANES = 4;

/** Coefficients of the rational approximation of the logistic function (MLAS, logistic.cpp), and where it is cut. */
const [A9, A7, A5, A3, A1] = [
  4.37031012579801e-11, 1.15627324459942e-7, 6.08574864600143e-5, 8.51377133304701e-3, 2.48287947061529e-1,
].map(Math.fround) as [number, number, number, number, number];
const [B10, B8, B6, B4, B2, B0] = [
  6.10247389755681e-13, 5.76102136993427e-9, 6.2910678501704e-6, 1.70198817374094e-3, 1.16817656904453e-1,
  9.9315192102318e-1,
].map(Math.fround) as [number, number, number, number, number, number];
const LOGIT_MAX = 18;

/** a · b + c, rounded once, as an instruction of the processor does: the product of two float32 is exact in float64. */
const fused = (a: number, b: number, c: number): number => Math.fround(a * b + c);

/** a · b + c, the product rounded as well. */
const separate = (a: number, b: number, c: number): number => Math.fround(Math.fround(a * b) + c);

/** How a processor multiplies and adds: which one depends on whether it can do both at once. */
export const MULTIPLY_ADD = { fused, separate } as const;

type MultiplyAdd = (a: number, b: number, c: number) => number;

function logistic(logit: number, mad: MultiplyAdd): number {
  const x = logit < -LOGIT_MAX ? -LOGIT_MAX : logit > LOGIT_MAX ? LOGIT_MAX : logit;
  const square = Math.fround(x * x);
  const p = mad(mad(mad(mad(square, A9, A7), square, A5), square, A3), square, A1);
  const q = mad(mad(mad(mad(mad(square, B10, B8), square, B6), square, B4), square, B2), square, B0);
  const score = Math.fround(Math.fround(Math.fround(p * x) / q) + 0.5);
  return score < 0 ? 0 : score > 1 ? 1 : score;
}

/**
 * Returns the sum of `products[at … at + width - 1]` in the order of Eigen's vectorised reduction: two registers of four sums
 * are added to in turn; numbers before the first 16-byte boundary and after the last whole register are added last. Where a
 * row begins decides about its boundary.
 */
function sumInLanes(products: Float32Array, at: number, width: number): number {
  const { fround } = Math;
  const before = Math.min((LANES - (at % LANES)) % LANES, width);
  const whole = Math.floor((width - before) / LANES) * LANES;
  if (whole === 0) return sumInOrder(products, at, { from: 0, to: width, sum: 0 });
  const first = at + before;
  const end = first + whole;
  const read = (i: number): number => products[i] ?? 0;
  let a0 = read(first);
  let a1 = read(first + 1);
  let a2 = read(first + 2);
  let a3 = read(first + 3);
  if (whole > LANES) {
    let i = first + LANES;
    let b0 = read(i);
    let b1 = read(i + 1);
    let b2 = read(i + 2);
    let b3 = read(i + 3);
    for (i += LANES; i + 2 * LANES <= end; i += 2 * LANES) {
      a0 = fround(a0 + read(i));
      a1 = fround(a1 + read(i + 1));
      a2 = fround(a2 + read(i + 2));
      a3 = fround(a3 + read(i + 3));
      b0 = fround(b0 + read(i + 4));
      b1 = fround(b1 + read(i + 5));
      b2 = fround(b2 + read(i + 6));
      b3 = fround(b3 + read(i + 7));
    }
    a0 = fround(a0 + b0);
    a1 = fround(a1 + b1);
    a2 = fround(a2 + b2);
    a3 = fround(a3 + b3);
    if (i < end) {
      a0 = fround(a0 + read(i));
      a1 = fround(a1 + read(i + 1));
      a2 = fround(a2 + read(i + 2));
      a3 = fround(a3 + read(i + 3));
    }
  }
  const sum = fround(fround(a0 + a2) + fround(a1 + a3));
  const withFront = sumInOrder(products, at, { from: 0, to: before, sum });
  return sumInOrder(products, at, { from: before + whole, to: width, sum: withFront });
}

function sumInOrder(
  products: Float32Array,
  at: number,
  part: { readonly from: number; readonly to: number; readonly sum: number },
): number {
  let { sum } = part;
  for (let k = part.from; k < part.to; k++) sum = Math.fround(sum + (products[at + k] ?? 0));
  return sum;
}

let products = new Float32Array(1024);

/** Returns one score a row. Allocates the scores alone. */
export function scoreLinear(
  {
    indices,
    values,
    rows,
  }: { readonly indices: Int32Array; readonly values: Float32Array; readonly rows: number },
  weights: Float32Array,
  mad: MultiplyAdd,
): Float32Array {
  const size = indices.length;
  const width = size / rows;
  if (size > products.length) products = new Float32Array(2 * size);
  for (let k = 0; k < size; k++) products[k] = (weights[indices[k] ?? 0] ?? NaN) * (values[k] ?? 0);
  const scores = new Float32Array(rows);
  for (let row = 0; row < rows; row++) scores[row] = logistic(sumInLanes(products, row * width, width), mad);
  return scores;
}
