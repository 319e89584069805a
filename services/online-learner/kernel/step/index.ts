export { exp } from './math';
export { deriveInverses } from './measure';
export { configure, predict, step, stepped } from './step';
export { forgetTouched, setRates, touchedCount } from './update';
export {
  counters,
  counts,
  fence,
  inverses,
  means,
  metrics,
  outs,
  numericOf,
  slotOf,
  squares,
  sumPages,
  sums,
  touchedBits,
  weightPages,
  weights,
} from './layout';
export { hashesAt, presentAt, rowBytes, rows } from '../row-layout';
