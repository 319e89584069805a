export { configure, events, featureOf, input, open, read, reserve, setLimits } from './reader';
export {
  crossSeeds,
  falseHashes,
  kinds,
  numericOf,
  parts,
  partsEnd,
  rowBytes,
  rows,
  seeds,
  trueHashes,
} from './rows';
