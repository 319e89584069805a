// FTRL-proximal of the encoded row, and which coordinates it touched.
import * as at from './layout';

let perAlpha: f64 = 0;
let beta: f64 = 0;
let l1: f64 = 0;
let l2: f64 = 0;
let touched: i32 = 0;

/** Sets the rates of FTRL-proximal. */
export function setRates(alpha: f64, betaRate: f64, l1Rate: f64, l2Rate: f64): void {
  perAlpha = 1 / alpha;
  beta = betaRate;
  l1 = l1Rate;
  l2 = l2Rate;
}

export function touchedCount(): i32 {
  return touched;
}

/** Empties the list of touched coordinates; changed pages stay. */
export function forgetTouched(): void {
  memory.fill(at.touchedBits, 0, 4 * ((at.bias >> 5) + 1));
  touched = 0;
}

/**
 * Learns the encoded row all or nothing: returns -1, or the first coordinate that would have become non-finite (`count` is
 * the bias), with nothing changed.
 */
export function update(count: i32, gradient: f64): i32 {
  // By twos; the odd one has the bias beside it, whose result is not used.
  if ((count & 1) == 1) {
    store<i32>(at.indices + (<usize>count << 2), at.bias);
    store<f64>(at.values + (<usize>count << 3), 0);
  }
  let total = f64x2.splat(0);
  for (let c = 0; c < count; c += 2) total = f64x2.add(total, updatePair(c, gradient));

  const bias = <usize>at.bias;
  const w = <f64>load<f32>(at.weights + (bias << 2));
  const z = <f64>load<f32>(at.sums + (bias << 3));
  const n = <f64>load<f32>(at.sums + (bias << 3), 4);
  const newN = <f64>(<f32>(n + gradient * gradient));
  const root = sqrt(newN);
  const newZ = <f64>(<f32>(z + gradient - (root - sqrt(n)) * perAlpha * w));
  const divisor = (beta + root) * perAlpha + l2;
  const newW = divisor == 0 || newZ == 0 ? 0 : <f64>(<f32>(-newZ / divisor));

  // Finite float32 numbers cannot overflow a float64 sum, so this is finite exactly when all of them are.
  const all = f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1) + newN + newZ + newW;
  if (!(abs(all) < Infinity)) return firstUnfit(count);

  for (let c = 0; c < count; c++) {
    const index = load<i32>(at.indices + (<usize>c << 2));
    const pair = at.updates + (<usize>(c >> 1) << 5);
    store<i32>(at.weights + (<usize>index << 2), load<i32>(pair + ((c & 1) << 2)));
    store<i64>(at.sums + (<usize>index << 3), load<i64>(pair + ((c & 1) << 3), 16));
    touch(index);
  }
  store<f32>(at.weights + (bias << 2), <f32>newW);
  store<f32>(at.sums + (bias << 3), <f32>newZ);
  store<f32>(at.sums + (bias << 3), <f32>newN, 4);
  touch(at.bias);
  return -1;
}

/** FTRL-proximal of the coordinates c and c + 1 into `updates`; returns sums of what they become. */
// @ts-ignore: decorator
@inline
function updatePair(c: i32, gradient: f64): v128 {
  const one = <usize>load<i32>(at.indices + (<usize>c << 2));
  const two = <usize>load<i32>(at.indices + (<usize>c << 2), 4);
  const ofOne = f64x2.promote_low_f32x4(v128.load64_zero(at.sums + (one << 3)));
  const ofTwo = f64x2.promote_low_f32x4(v128.load64_zero(at.sums + (two << 3)));
  const z = v128.shuffle<f64>(ofOne, ofTwo, 0, 2);
  const n = v128.shuffle<f64>(ofOne, ofTwo, 1, 3);
  const w = f64x2.replace_lane(
    f64x2.splat(<f64>load<f32>(at.weights + (one << 2))),
    1,
    <f64>load<f32>(at.weights + (two << 2)),
  );
  const step = f64x2.mul(f64x2.splat(gradient), v128.load(at.values + (<usize>c << 3)));
  const newN4 = f32x4.demote_f64x2_zero(f64x2.add(n, f64x2.mul(step, step)));
  const newN = f64x2.promote_low_f32x4(newN4);
  const root = f64x2.sqrt(newN);
  const sigma = f64x2.mul(f64x2.sub(root, f64x2.sqrt(n)), f64x2.splat(perAlpha));
  const newZ4 = f32x4.demote_f64x2_zero(f64x2.sub(f64x2.add(z, step), f64x2.mul(sigma, w)));
  const newZ = f64x2.promote_low_f32x4(newZ4);
  const divisor = f64x2.add(f64x2.mul(f64x2.add(f64x2.splat(beta), root), f64x2.splat(perAlpha)), f64x2.splat(l2));
  const threshold = f64x2.splat(l1);
  const isZero = v128.or(f64x2.le(f64x2.abs(newZ), threshold), f64x2.eq(divisor, f64x2.splat(0)));
  const signed = v128.or(threshold, v128.and(newZ, f64x2.splat(-0.0)));
  const newW4 = f32x4.demote_f64x2_zero(v128.andnot(f64x2.div(f64x2.sub(signed, newZ), divisor), isZero));
  const pair = at.updates + (<usize>(c >> 1) << 5);
  v128.store(pair, newW4);
  v128.store(pair, v128.shuffle<f32>(newZ4, newN4, 0, 4, 1, 5), 16);
  return f64x2.add(f64x2.promote_low_f32x4(newW4), f64x2.add(newZ, newN));
}

function firstUnfit(count: i32): i32 {
  for (let c = 0; c < count; c++) {
    const pair = at.updates + (<usize>(c >> 1) << 5);
    const w = load<f32>(pair + ((c & 1) << 2));
    const z = load<f32>(pair + ((c & 1) << 3), 16);
    const n = load<f32>(pair + ((c & 1) << 3), 20);
    if (!(abs(<f64>w + <f64>z + <f64>n) < Infinity)) return c;
  }
  return count;
}

// @ts-ignore: decorator
@inline
function touch(index: i32): void {
  store<u8>(at.weightPages + (<usize>index >> 12), 1);
  store<u8>(at.sumPages + (<usize>index >> 11), 1);
  const word = at.touchedBits + ((<usize>index >> 5) << 2);
  const before = load<i32>(word);
  const after = before | (1 << (index & 31));
  touched += i32(after != before);
  store<i32>(word, after);
}
