// What a kernel that hashes rows shows of itself, whatever it reads them from.
export { rowBytes, rows } from '../row-layout';
export { crossSeeds, falseHashes, kinds, numericOf, parts, partsEnd, seeds, trueHashes } from './rows';
