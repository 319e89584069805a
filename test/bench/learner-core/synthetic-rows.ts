import type { FeatureSpec, FeatureValue } from '../../../shared/domain/model-spec.ts';
import { murmur3 } from '../../../shared/domain/murmur3.ts';
import { createRng } from '../../../shared/domain/rng.ts';
import type { LabelledRow } from './row-text.ts';

const NUMERIC = ['views', 'clicks', 'age', 'price', 'depth'];
/** Categories and how many values each has. */
const CATEGORIES = {
  site: 1000,
  campaign: 300,
  device: 10,
  country: 60,
  hour: 24,
  publisher: 5000,
  advertiser: 20_000,
  user: 100_000,
};
const MISSING_RATE = 0.05;
const BIAS = -1.4;

/** 13 features of the shape of click logs: 5 numeric, 8 categorical of 10 to 100,000 values. */
export const SYNTHETIC_FEATURES: readonly FeatureSpec[] = [
  ...NUMERIC.map((name) => ({ name, type: 'numeric' as const })),
  ...Object.keys(CATEGORIES).map((name) => ({ name, type: 'categorical' as const })),
];

/** The declared interaction, which carries signal of its own. */
export const SYNTHETIC_CROSSES: readonly (readonly string[])[] = [['site', 'device']];

/** What a name adds to the logit: uniform in ± spread, a function of the name. */
function effect(name: string, spread: number): number {
  return (murmur3(name, 7) / 2 ** 31) * spread;
}

/**
 * Yields seeded rows whose label depends on every feature and on the cross. Values of categories are Zipf-like and written
 * as eight hexadecimal digits; numeric values are logarithms of counts, with three decimals.
 */
export function* syntheticRows(count: number, seed = 1): Generator<LabelledRow> {
  const rng = createRng(seed);
  const cardinalities = Object.entries(CATEGORIES);
  const tokens = cardinalities.map(([name, size]) =>
    Array.from({ length: size }, (_, value) =>
      (murmur3(`${name}${String(value)}`, seed) >>> 0).toString(16).padStart(8, '0'),
    ),
  );
  for (let row = 0; row < count; row++) {
    const values: (FeatureValue | undefined)[] = [];
    let logit = BIAS;
    for (const name of NUMERIC) {
      const value = Math.round(1000 * Math.log1p(Math.floor(50 * rng.next() ** 3 * (1 + rng.next())))) / 1000;
      if (rng.next() < MISSING_RATE) {
        values.push(undefined);
        continue;
      }
      values.push(value);
      logit += (value - 2) * effect(name, 0.25);
    }
    for (const [column, [name, size]] of cardinalities.entries()) {
      const value = Math.floor(size * rng.next() ** 3);
      if (rng.next() < MISSING_RATE) {
        values.push(undefined);
        continue;
      }
      values.push(tokens[column]?.[value]);
      logit += effect(`${name}=${String(value)}`, 0.8);
    }
    logit += effect(`${String(values[5])}*${String(values[7])}`, 1);
    yield { label: rng.next() < 1 / (1 + Math.exp(-logit)) ? 1 : 0, values };
  }
}
