// From a hashed row to distinct coordinates and their values.
import * as laid from '../row-layout';
import * as at from './layout';

const STANDARDISED_MAX: f64 = 100;
const MAGNITUDE_MAX: f64 = 1e15;
const FENCE_COUNT_MIN: f64 = 100;
const FENCE_SD: f64 = 100;
const STAMP_MAX: i32 = 0x3fff_ffff;

/** Number of the row encoded last, by which `stamps` tells its coordinates from those before. */
let stamp: i32 = 0;
/** Of the row encoded last: logit, squared Euclidean norm, the first slot past its fence or -1, and its deviations. */
export let logit: f64 = 0;
export let squaredNorm: f64 = 0;
export let pastSlot: i32 = -1;
export let pastDeviations: f64 = 0;

/**
 * Writes the distinct coordinates of a row without its bias, in order of first occurrence, and their values; a coordinate that
 * occurs twice has the sum. Returns how many there are; logit, norm and fence of the row are left in globals.
 */
export function encode(row: usize): i32 {
  if (stamp == STAMP_MAX) {
    memory.fill(at.stamps, 0, 4 * at.STAMPS);
    stamp = 0;
  }
  const mark = ++stamp;
  const mask = at.bias - 1;
  const hashes = row + laid.hashesAt;
  const present = row + laid.presentAt;
  let dot: f64 = 0;
  let norm: f64 = 0;
  let count = 0;
  pastSlot = -1;
  for (let k = 0; k < laid.slots; k++) {
    if (load<u8>(present + k) == 0) continue;
    const numeric = load<i32>(at.numericOf + (<usize>k << 2));
    let value: f64 = 1;
    if (numeric >= 0) {
      value = standardise(k, <usize>numeric << 3, load<f64>(row + (<usize>numeric << 3), laid.NUMBERS_AT));
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
      pastDeviations = Infinity;
    } else if (abs(deviations) > FENCE_SD && load<f64>(at.counts + place) >= FENCE_COUNT_MIN) {
      pastSlot = slot;
      pastDeviations = abs(deviations);
    }
  }
  if (!(abs(x) < Infinity) || deviations != deviations) return 0;
  return <f64>(<f32>min(STANDARDISED_MAX, max(-STANDARDISED_MAX, deviations)));
}

function find(index: i32, count: i32): i32 {
  let c = 0;
  while (c < count && load<i32>(at.indices + (<usize>c << 2)) != index) c++;
  return c;
}
