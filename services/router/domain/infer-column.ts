import { shown } from '../../../shared/domain/check-item.ts';
import type { ItemFault } from '../../../shared/domain/check-item.ts';
import { valueFault } from '../../../shared/domain/feature-row.ts';
import type { FeatureSpec, FeatureValue } from '../../../shared/domain/model-spec.ts';
import { DATATYPES_OF } from './infer-tensors.ts';
import type { InferInput } from './infer-tensors.ts';
import type { Datatype } from './tensor-bytes.ts';

const FP16_MAX = 65_504;
/** Half of the last place beyond the largest BF16. */
const BF16_MAX = 3.3961775e38;

const isWithin = (value: unknown, min: number, max: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;

/** Whether a value is an element of a datatype; whole numbers beyond ±(2^53 - 1) are none. */
const IS_ELEMENT: Readonly<Record<Datatype, (value: unknown) => boolean>> = {
  BYTES: (value) => typeof value === 'string' && value.isWellFormed(),
  BOOL: (value) => typeof value === 'boolean',
  FP64: Number.isFinite,
  FP32: (value) => typeof value === 'number' && Number.isFinite(Math.fround(value)),
  FP16: (value) => typeof value === 'number' && Math.abs(value) <= FP16_MAX,
  BF16: (value) => typeof value === 'number' && Math.abs(value) < BF16_MAX,
  INT64: Number.isSafeInteger,
  INT32: (value) => isWithin(value, -(2 ** 31), 2 ** 31 - 1),
  INT16: (value) => isWithin(value, -(2 ** 15), 2 ** 15 - 1),
  INT8: (value) => isWithin(value, -128, 127),
  UINT64: (value) => isWithin(value, 0, Number.MAX_SAFE_INTEGER),
  UINT32: (value) => isWithin(value, 0, 2 ** 32 - 1),
  UINT16: (value) => isWithin(value, 0, 65_535),
  UINT8: (value) => isWithin(value, 0, 255),
};

/** Returns the first thing wrong with the column of a feature, or undefined. A null is a missing value. */
export function columnFault(
  { name, datatype, data }: InferInput,
  feature: FeatureSpec,
): ItemFault | undefined {
  const allowed = DATATYPES_OF[feature.type];
  if (!allowed.includes(datatype)) {
    return {
      field: `inputs.${name}.datatype`,
      message: `${datatype}, allowed ${allowed.join(', ')} for a ${feature.type} feature`,
    };
  }
  const isElement = IS_ELEMENT[datatype];
  for (let row = 0; row < data.length; row++) {
    const value = data[row];
    if (value === null) continue;
    const message = isElement(value)
      ? valueFault(value as FeatureValue, feature)
      : `${shown(value)} is not ${datatype}`;
    if (message !== undefined) return { field: `inputs.${name}.data[${String(row)}]`, message };
  }
  return undefined;
}

/** Returns the values of a column without faults. */
export function columnValues({ data }: InferInput): readonly FeatureValue[] {
  return data as readonly FeatureValue[];
}
