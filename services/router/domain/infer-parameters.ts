import { isObject, shown } from '../../../shared/domain/check-item.ts';
import type { ItemFault } from '../../../shared/domain/check-item.ts';
import { INFER_OUTPUTS } from './infer-tensors.ts';
import type { InferOutputName } from './infer-tensors.ts';

/** Header that says how many bytes of a body are its JSON; tensors follow. (Binary tensor data extension.) */
export const BINARY_HEADER = 'inference-header-content-length';

/** Parameter of a request: whether all outputs are wanted as binary data. */
const BINARY_DATA_OUTPUT = 'binary_data_output';
/** Parameter of an asked output: whether it is wanted as binary data, whatever the request says of all. */
const BINARY_DATA = 'binary_data';
/** Parameter of a tensor: how many bytes after the JSON are its data. */
const BINARY_DATA_SIZE = 'binary_data_size';

/** Parameters that mean something here, and what they must be; others are taken and mean nothing. */
const TYPE_OF: ReadonlyMap<string, 'boolean'> = new Map([
  [BINARY_DATA_OUTPUT, 'boolean'],
  [BINARY_DATA, 'boolean'],
]);

/** Returns what is wrong with the parameters of a request, an input or an output; undefined when there are none. */
export function parametersFault(field: string, given: unknown): ItemFault | undefined {
  if (given === undefined) return undefined;
  if (!isObject(given)) return { field, message: `${shown(given)} is not an object` };
  for (const [name, value] of Object.entries(given)) {
    const at = `${field}.${name.slice(0, 64)}`;
    if (!['string', 'number', 'boolean'].includes(typeof value))
      return { field: at, message: `${shown(value)}, allowed a string, a number or a boolean` };
    const type = TYPE_OF.get(name);
    if (type !== undefined && typeof value !== type)
      return { field: at, message: `${shown(value)} is not a ${type}` };
  }
  return undefined;
}

function parameterOf(given: unknown, name: string): unknown {
  const parameters = isObject(given) ? given['parameters'] : undefined;
  return isObject(parameters) ? parameters[name] : undefined;
}

/** Returns whether an output of a sound request is wanted as binary data. */
export function wantsBinary(body: unknown, output: InferOutputName): boolean {
  const outputs = isObject(body) && Array.isArray(body['outputs']) ? (body['outputs'] as unknown[]) : [];
  const asked = outputs.find((one) => isObject(one) && one['name'] === output);
  return (parameterOf(asked, BINARY_DATA) ?? parameterOf(body, BINARY_DATA_OUTPUT) ?? false) === true;
}

/** Returns whether any output of a request, which need not be sound, is wanted as binary data. */
export function wantsAnyBinary(body: unknown): boolean {
  return INFER_OUTPUTS.some((name) => wantsBinary(body, name));
}

/**
 * Returns a request whose inputs with a `binary_data_size` have that many of the bytes after the JSON as their `data`, in
 * the order of the inputs; or what is wrong. (Binary tensor data extension of the Open Inference Protocol.)
 *
 * @param binary everything of the body that follows the JSON
 */
export function withBinaryData(
  body: unknown,
  binary: Uint8Array,
): { readonly body: unknown } | { readonly fault: ItemFault } {
  if (!isObject(body) || !Array.isArray(body['inputs'])) return { body };
  let at = 0;
  const inputs: unknown[] = [];
  for (const [index, input] of (body['inputs'] as unknown[]).entries()) {
    const size = parameterOf(input, BINARY_DATA_SIZE);
    if (!isObject(input) || size === undefined) {
      inputs.push(input);
      continue;
    }
    const field = `inputs[${String(index)}].parameters.${BINARY_DATA_SIZE}`;
    const left = binary.length - at;
    if (!Number.isInteger(size) || (size as number) < 0 || (size as number) > left)
      return {
        fault: { field, message: `${shown(size)}, allowed 0 … ${String(left)} bytes after the JSON` },
      };
    if (input['data'] !== undefined)
      return { fault: { field, message: 'the input has data as well, allowed one of the two' } };
    inputs.push({ ...input, data: binary.subarray(at, at + (size as number)) });
    at += size as number;
  }
  const left = binary.length - at;
  if (left > 0)
    return { fault: { field: '(body)', message: `${String(left)} bytes belong to no input, allowed 0` } };
  return { body: { ...body, inputs } };
}
