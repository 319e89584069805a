// What is kept of a learned example besides the weights: progressive metrics and the scaler.
import * as laid from '../row-layout';
import * as at from './layout';
import { log } from './math';

const PROBABILITY_MIN: f64 = 0.001;

let recentDecay: f64 = 0;

/** Sets how fast the recent loss forgets. */
export function setDecay(recent: f64): void {
  recentDecay = recent;
}

/** Derives the inverse deviations from counts and squares, as after a restore. */
export function deriveInverses(): void {
  for (let j = 0; j < at.numerics; j++) {
    const place = <usize>j << 3;
    const square = load<f64>(at.squares + place);
    store<f64>(at.inverses + place, inverseDeviation(load<f64>(at.counts + place), square));
  }
}

/** Adds an example to the progressive metrics, whose sums lie as in shared/domain/progressive-metrics.ts. */
// @ts-ignore: decorator
@inline
export function record(score: f64, label: f64, weight: f64): void {
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

/** Below this sum of squares values do not differ: a count of up to 2^53 divided by it would not be finite. */
const SQUARES_MIN: f64 = 1e-290;

/**
 * Running mean and deviation of the numeric values of a row (Welford 1962). By twos and without branches, because which values
 * are missing cannot be predicted: both are worked out, and what has no value stays as it was.
 */
// @ts-ignore: decorator
@inline
export function scale(row: usize): void {
  const numbers = row + laid.NUMBERS_AT;
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
    const isKnown = v128.and(f64x2.gt(count, f64x2.splat(1)), f64x2.ge(square, f64x2.splat(SQUARES_MIN)));
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
  return load<u8>(row + laid.presentAt + <usize>load<i32>(at.slotOf + (<usize>numeric << 2))) != 0;
}

// @ts-ignore: decorator
@inline
function inverseDeviation(count: f64, square: f64): f64 {
  return count > 1 && square >= SQUARES_MIN ? sqrt(count / square) : 0;
}
