import { shown } from '../../../shared/domain/check-item.ts';
import type { ItemFault } from '../../../shared/domain/check-item.ts';
import { checkRow } from '../../../shared/domain/feature-row.ts';
import type { FeatureSpec, FeatureValue } from '../../../shared/domain/model-spec.ts';
import { DATATYPES_OF } from './infer-tensors.ts';
import type { InferInput } from './infer-tensors.ts';
import type { Datatype } from './tensor-bytes.ts';

const FP16_MAX = 65_504;
/** Half of the last place beyond the largest BF16. */
const BF16_MAX = 3.3961775e38;

const isWithin = (value: unknown, min: number, max: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;

/** Returns whether a value is an element of a datatype; whole numbers beyond ±(2^53 - 1) are none. */
function isElement(value: unknown, datatype: Datatype): boolean {
  switch (datatype) {
    case 'BYTES':
      return typeof value === 'string' && value.isWellFormed();
    case 'BOOL':
      return typeof value === 'boolean';
    case 'FP64':
      return typeof value === 'number' && Number.isFinite(value);
    case 'FP32':
      return typeof value === 'number' && Number.isFinite(Math.fround(value));
    case 'FP16':
      return typeof value === 'number' && Math.abs(value) <= FP16_MAX;
    case 'BF16':
      return typeof value === 'number' && Math.abs(value) < BF16_MAX;
    case 'INT64':
      return Number.isSafeInteger(value);
    case 'INT32':
      return isWithin(value, -(2 ** 31), 2 ** 31 - 1);
    case 'INT16':
      return isWithin(value, -(2 ** 15), 2 ** 15 - 1);
    case 'INT8':
      return isWithin(value, -128, 127);
    case 'UINT64':
      return isWithin(value, 0, Number.MAX_SAFE_INTEGER);
    case 'UINT32':
      return isWithin(value, 0, 2 ** 32 - 1);
    case 'UINT16':
      return isWithin(value, 0, 65_535);
    case 'UINT8':
      return isWithin(value, 0, 255);
  }
}

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
  for (const [row, value] of data.entries()) {
    if (value === null) continue;
    const field = `inputs.${name}.data[${String(row)}]`;
    if (!isElement(value, datatype)) return { field, message: `${shown(value)} is not ${datatype}` };
    const found = checkRow([value as FeatureValue], [feature]);
    if (found !== undefined) return { field, message: found.replace(`feature ${name}: `, '') };
  }
  return undefined;
}

/** Returns the values of a column without faults. */
export function columnValues({ data }: InferInput): readonly FeatureValue[] {
  return data as readonly FeatureValue[];
}
