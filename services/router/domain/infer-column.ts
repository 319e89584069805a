import { shown } from '../../../shared/domain/check-item.ts';
import type { ItemFault } from '../../../shared/domain/check-item.ts';
import { checkRow } from '../../../shared/domain/feature-row.ts';
import type { FeatureSpec, FeatureValue } from '../../../shared/domain/model-spec.ts';
import { DATATYPES_OF } from './infer-tensors.ts';
import type { Datatype, InferInput } from './infer-tensors.ts';

const INT32_MAX = 0x7fff_ffff;

/** Returns whether a JSON value is an element of a datatype. */
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
    case 'INT64':
      return Number.isSafeInteger(value);
    case 'INT32':
      return Number.isInteger(value) && Math.abs(value as number) <= INT32_MAX;
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
