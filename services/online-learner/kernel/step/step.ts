// The step of a version, predict-then-learn, over rows that are hashed already. What it does is what the reference in
// test/support/reference-learner does, bit for bit; how each part works is said there and in ARCHITECTURE.md.
import * as at from './layout';

/** Results of a row. */
const LEARNED: i32 = 0;
const PAST_TARGET: i32 = 1;
const PAST_VALUE: i32 = 2;
const PAST_LEVERAGE: i32 = 3;
const PAST_UPDATE: i32 = 4;

const STANDARDISED_MAX: f64 = 100;
const MAGNITUDE_MAX: f64 = 1e15;
const FENCE_COUNT_MIN: f64 = 100;
const FENCE_SD: f64 = 100;
const LEVERAGE_FACTOR_MAX: f64 = 2000;
const LEVERAGE_COUNT_MIN: f64 = 100;
const PROBABILITY_MIN: f64 = 0.001;
const STAMP_MAX: i32 = 0x3fff_ffff;
const INFINITE: f64 = Infinity;

let perAlpha: f64 = 0;
let beta: f64 = 0;
let l1: f64 = 0;
let l2: f64 = 0;
let recentDecay: f64 = 0;
let fenceSmoothing: f64 = 0;

let stamp: i32 = 0;
let touched: i32 = 0;
/** Of the row encoded last: logit, squared Euclidean norm, the first slot past its fence or -1, and its deviations. */
let logit: f64 = 0;
let squaredNorm: f64 = 0;
let pastSlot: i32 = -1;
let pastDeviations: f64 = 0;

/** Prepares the memory for a version that knows nothing. To be called once, before anything else. */
export function configure(slots: i32, numerics: i32, tableBits: i32, recent: f64, smoothing: f64): void {
  at.layOut(slots, numerics, tableBits);
  recentDecay = recent;
  fenceSmoothing = smoothing;
}

/** Sets the rates of FTRL-proximal. */
export function setRates(alpha: f64, betaRate: f64, l1Rate: f64, l2Rate: f64): void {
  perAlpha = 1 / alpha;
  beta = betaRate;
  l1 = l1Rate;
  l2 = l2Rate;
}

/** The exponential function and the logarithm that all of this uses: the same bits wherever it runs. */
export function exp(x: f64): f64 {
  return Math.exp(x);
}

export function log(x: f64): f64 {
  return Math.log(x);
}

export function touchedCount(): i32 {
  return touched;
}

/** Empties the list of touched coordinates; changed pages stay. */
export function forgetTouched(): void {
  memory.fill(at.touchedBits, 0, 4 * ((at.bias >> 5) + 1));
  touched = 0;
}

/** Derives the inverse deviations from counts and squares, as after a restore. */
export function deriveInverses(): void {
  for (let j = 0; j < at.numerics; j++) {
    const place = <usize>j << 3;
    const square = load<f64>(at.squares + place);
    store<f64>(at.inverses + place, inverseDeviation(load<f64>(at.counts + place), square));
  }
}

/** Returns the probability of label 1 for the first row; changes nothing. */
export function predict(): f64 {
  encode(at.rows);
  return 1 / (1 + exp(-logit));
}

/** Scores and learns the first `count` rows in order, writes what became of each, and returns how many were learned. */
export function step(count: i32): i32 {
  let learned = 0;
  for (let r = 0; r < count; r++) {
    const out = at.outs + <usize>(r * at.OUT_BYTES);
    const result = stepRow(at.rows + <usize>(r * at.rowBytes), out);
    store<i32>(out, result, 24);
    learned += i32(result == LEARNED);
  }
  store<f64>(at.counters, load<f64>(at.counters) + <f64>learned);
  store<f64>(at.counters, load<f64>(at.counters, 8) + <f64>(count - learned), 8);
  return learned;
}

function stepRow(row: usize, out: usize): i32 {
  const label = load<f64>(row);
  const weight = load<f64>(row, 8);
  const count = encode(row);
  const score = 1 / (1 + exp(-logit));
  store<f64>(out, score);
  if (!(label == 0 || label == 1) || !(weight >= 0 && weight < INFINITE)) return PAST_TARGET;
  if (pastSlot >= 0) {
    store<f64>(out, pastDeviations, 8);
    store<i32>(out, pastSlot, 28);
    return PAST_VALUE;
  }
  const squaredLeverage = weight * weight * squaredNorm;
  const meanSquare = load<f64>(at.fence);
  const examples = load<f64>(at.fence, 8);
  const limit = LEVERAGE_FACTOR_MAX * sqrt(meanSquare);
  if (examples >= LEVERAGE_COUNT_MIN && !(squaredLeverage <= limit * limit)) {
    store<f64>(out, limit, 8);
    store<f64>(out, sqrt(squaredLeverage), 16);
    return PAST_LEVERAGE;
  }
  const unfit = update(count, (score - label) * weight);
  if (unfit >= 0) {
    store<f64>(out, unfit < count ? load<f64>(at.values + (<usize>unfit << 3)) : 1, 8);
    store<i32>(out, unfit < count ? load<i32>(at.firstSlots + (<usize>unfit << 2)) : at.slots, 28);
    return PAST_UPDATE;
  }
  record(score, label, weight);
  scale(row);
  if (weight != 0) {
    const share = max(fenceSmoothing, 1 / (examples + 1));
    store<f64>(at.fence, meanSquare + share * (squaredLeverage - meanSquare));
    store<f64>(at.fence, examples + 1, 8);
  }
  return LEARNED;
}

/**
 * Writes the distinct coordinates of a row without its bias, in order of first occurrence, and their values; a coordinate that
 * occurs twice has the sum. Returns how many there are; logit, norm and fence of the row are left in globals.
 */
function encode(row: usize): i32 {
  if (stamp == STAMP_MAX) {
    memory.fill(at.stamps, 0, 4 * at.STAMPS);
    stamp = 0;
  }
  const mark = ++stamp;
  const mask = at.bias - 1;
  const hashes = row + at.hashesAt;
  const present = row + at.presentAt;
  let dot: f64 = 0;
  let norm: f64 = 0;
  let count = 0;
  pastSlot = -1;
  for (let k = 0; k < at.slots; k++) {
    if (load<u8>(present + k) == 0) continue;
    const numeric = load<i32>(at.numericOf + (<usize>k << 2));
    let value: f64 = 1;
    if (numeric >= 0) {
      value = standardise(k, <usize>numeric << 3, load<f64>(row + (<usize>numeric << 3), at.NUMBERS_AT));
      if (value == 0) continue;
    }
    const index = load<i32>(hashes + (<usize>k << 2)) & mask;
    dot += <f64>load<f32>(at.weights + (<usize>index << 2)) * value;
    norm += value * value;
    const place = at.stamps + (<usize>(index & (at.STAMPS - 1)) << 2);
    if (load<i32>(place) == mark) {
      const known = find(index, count);
      if (known < count) {
        const sum = at.values + (<usize>known << 3);
        store<f64>(sum, load<f64>(sum) + value);
        continue;
      }
    }
    store<i32>(place, mark);
    store<i32>(at.indices + (<usize>count << 2), index);
    store<i32>(at.firstSlots + (<usize>count << 2), k);
    store<f64>(at.values + (<usize>count << 3), value);
    count++;
  }
  logit = dot + <f64>load<f32>(at.weights + (<usize>at.bias << 2));
  squaredNorm = norm + 1;
  return count;
}

/** Returns the standardised value as float32, 0 for what is none, and notes the first value that is past its fence. */
// @ts-ignore: decorator
@inline
function standardise(slot: i32, place: usize, x: f64): f64 {
  const deviations = (x - load<f64>(at.means + place)) * load<f64>(at.inverses + place);
  if (pastSlot < 0) {
    if (!(abs(x) <= MAGNITUDE_MAX)) {
      pastSlot = slot;
      pastDeviations = INFINITE;
    } else if (abs(deviations) > FENCE_SD && load<f64>(at.counts + place) >= FENCE_COUNT_MIN) {
      pastSlot = slot;
      pastDeviations = abs(deviations);
    }
  }
  if (!(abs(x) < INFINITE) || deviations != deviations) return 0;
  return <f64>(<f32>min(STANDARDISED_MAX, max(-STANDARDISED_MAX, deviations)));
}

function find(index: i32, count: i32): i32 {
  let c = 0;
  while (c < count && load<i32>(at.indices + (<usize>c << 2)) != index) c++;
  return c;
}

/**
 * Learns the encoded row all or nothing: returns -1, or the first coordinate that would have become non-finite (`count` is
 * the bias), with nothing changed.
 */
function update(count: i32, gradient: f64): i32 {
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
  if (!(abs(all) < INFINITE)) return firstUnfit(count);

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
    if (!(abs(<f64>w + <f64>z + <f64>n) < INFINITE)) return c;
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

/** Adds an example to the progressive metrics, whose sums lie as in shared/domain/progressive-metrics.ts. */
// @ts-ignore: decorator
@inline
function record(score: f64, label: f64, weight: f64): void {
  const m = at.metrics;
  const seen = load<f64>(m, 8);
  const baseRate = (load<f64>(m, 16) + 1) / (seen + 2);
  const loss = weight * logLoss(score, label);
  const error = score - label;
  store<f64>(m, load<f64>(m) + 1);
  store<f64>(m, seen + weight, 8);
  store<f64>(m, load<f64>(m, 16) + weight * label, 16);
  store<f64>(m, load<f64>(m, 24) + loss, 24);
  store<f64>(m, load<f64>(m, 32) + ((score >= 0.5) == (label == 1) ? weight : 0), 32);
  store<f64>(m, load<f64>(m, 40) + weight * error * error, 40);
  store<f64>(m, load<f64>(m, 48) + weight * logLoss(baseRate, label), 48);
  store<f64>(m, load<f64>(m, 56) * recentDecay + loss, 56);
  store<f64>(m, load<f64>(m, 64) * recentDecay + weight, 64);
  const bin = m + 72 + 24 * <usize>min(9, <i32>(score * 10));
  store<f64>(bin, load<f64>(bin) + weight);
  store<f64>(bin, load<f64>(bin, 8) + weight * score, 8);
  store<f64>(bin, load<f64>(bin, 16) + weight * label, 16);
}

// @ts-ignore: decorator
@inline
function logLoss(probability: f64, label: f64): f64 {
  const ofLabel = label == 1 ? probability : 1 - probability;
  return -log(min(1 - PROBABILITY_MIN, max(PROBABILITY_MIN, ofLabel)));
}

/**
 * Running mean and deviation of the numeric values of a row (Welford 1962). By twos and without branches, because which values
 * are missing cannot be predicted: both are worked out, and what has no value stays as it was.
 */
// @ts-ignore: decorator
@inline
function scale(row: usize): void {
  const numbers = row + at.NUMBERS_AT;
  let j = 0;
  for (; j + 1 < at.numerics; j += 2) {
    const place = <usize>j << 3;
    const isThere = i64x2.replace_lane(i64x2.splat(-<i64>hasNumber(row, j)), 1, -<i64>hasNumber(row, j + 1));
    const x = v128.load(numbers + place);
    const oldCount = v128.load(at.counts + place);
    const oldMean = v128.load(at.means + place);
    const oldSquare = v128.load(at.squares + place);
    const count = f64x2.add(oldCount, f64x2.splat(1));
    const delta = f64x2.sub(x, oldMean);
    const mean = f64x2.add(oldMean, f64x2.div(delta, count));
    const square = f64x2.add(oldSquare, f64x2.mul(delta, f64x2.sub(x, mean)));
    const isKnown = v128.and(f64x2.gt(count, f64x2.splat(1)), f64x2.gt(square, f64x2.splat(0)));
    const inverse = v128.and(f64x2.sqrt(f64x2.div(count, square)), isKnown);
    v128.store(at.counts + place, v128.bitselect(count, oldCount, isThere));
    v128.store(at.means + place, v128.bitselect(mean, oldMean, isThere));
    v128.store(at.squares + place, v128.bitselect(square, oldSquare, isThere));
    v128.store(at.inverses + place, v128.bitselect(inverse, v128.load(at.inverses + place), isThere));
  }
  if (j < at.numerics && hasNumber(row, j)) {
    const place = <usize>j << 3;
    const x = load<f64>(numbers + place);
    const count = load<f64>(at.counts + place) + 1;
    const mean = load<f64>(at.means + place);
    const delta = x - mean;
    const newMean = mean + delta / count;
    const square = load<f64>(at.squares + place) + delta * (x - newMean);
    store<f64>(at.counts + place, count);
    store<f64>(at.means + place, newMean);
    store<f64>(at.squares + place, square);
    store<f64>(at.inverses + place, inverseDeviation(count, square));
  }
}

/** Whether a row has a value of a numeric feature. */
// @ts-ignore: decorator
@inline
function hasNumber(row: usize, numeric: i32): bool {
  return load<u8>(row + at.presentAt + <usize>load<i32>(at.slotOf + (<usize>numeric << 2))) != 0;
}

// @ts-ignore: decorator
@inline
function inverseDeviation(count: f64, square: f64): f64 {
  return count > 1 && square > 0 ? sqrt(count / square) : 0;
}
