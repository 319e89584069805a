// The step of a version, predict-then-learn, over rows that are hashed already. What it does is what the reference in
// test/support/reference-learner does, bit for bit; how each part works is said there and in ARCHITECTURE.md.
import * as laid from '../row-layout';
import * as at from './layout';
import { encode, logit, pastDeviations, pastSlot, squaredNorm } from './encode';
import { exp } from './math';
import { record, scale, setDecay } from './measure';
import { update } from './update';

/** Results of a row. */
const LEARNED: i32 = 0;
const PAST_TARGET: i32 = 1;
const PAST_VALUE: i32 = 2;
const PAST_LEVERAGE: i32 = 3;
const PAST_UPDATE: i32 = 4;

const LEVERAGE_FACTOR_MAX: f64 = 2000;
const LEVERAGE_COUNT_MIN: f64 = 100;

let fenceSmoothing: f64 = 0;
/** Rows of the last call that were done with. */
export let stepped: i32 = 0;

/** Prepares the memory for a version that knows nothing. To be called once, before anything else. */
export function configure(slots: i32, numerics: i32, tableBits: i32, recent: f64, smoothing: f64): void {
  at.layOut(slots, numerics, tableBits);
  setDecay(recent);
  fenceSmoothing = smoothing;
}

/** Returns the probability of label 1 for the first row; changes nothing. */
export function predict(): f64 {
  encode(laid.rows);
  return 1 / (1 + exp(-logit));
}

/** Scores and learns the first `count` rows in order, writes what became of each, and returns how many were learned. */
export function step(count: i32): i32 {
  let learned = 0;
  for (stepped = 0; stepped < count; stepped++) {
    const out = at.outs + <usize>(stepped * at.OUT_BYTES);
    const result = stepRow(laid.rows + <usize>(stepped * laid.rowBytes), out);
    store<i32>(out, result, 24);
    const counter = at.counters + (result == LEARNED ? 0 : 8);
    store<f64>(counter, load<f64>(counter) + 1);
    learned += i32(result == LEARNED);
  }
  return learned;
}

function stepRow(row: usize, out: usize): i32 {
  const label = load<f64>(row);
  const weight = load<f64>(row, 8);
  const count = encode(row);
  const score = 1 / (1 + exp(-logit));
  store<f64>(out, score);
  if (!(label == 0 || label == 1) || !(weight >= 0 && weight < Infinity)) return PAST_TARGET;
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
    store<i32>(out, unfit < count ? load<i32>(at.firstSlots + (<usize>unfit << 2)) : laid.slots, 28);
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

