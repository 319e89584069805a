import { encodeTensor, textOf } from '../domain/tensor-bytes.ts';
import type { InferOutput } from '../domain/infer-tensors.ts';
import type { InferAnswer } from '../service.ts';
import type { ItemFault } from '../../../shared/domain/check-item.ts';

/* The messages of open_inference_grpc.proto as proto-loader gives them: fields that are not there have the defaults of
   proto3, 64-bit numbers are JavaScript's. */

/** A parameter; `parameter_choice` names the field that is set. */
type Parameters = Readonly<Record<string, Readonly<Record<string, unknown>> & { parameter_choice?: string }>>;

/** The typed contents of a tensor, one list of which is filled. */
interface TensorContents {
  readonly bool_contents?: readonly boolean[];
  readonly int_contents?: readonly number[];
  readonly int64_contents?: readonly number[];
  readonly uint_contents?: readonly number[];
  readonly uint64_contents?: readonly number[];
  readonly fp32_contents?: readonly number[];
  readonly fp64_contents?: readonly number[];
  readonly bytes_contents?: readonly Uint8Array[];
}

/** `inference.ModelInferRequest`. */
export interface ModelInferRequest {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly parameters: Parameters;
  readonly inputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
    readonly parameters: Parameters;
    readonly contents: TensorContents | null;
  }[];
  readonly outputs: readonly { readonly name: string; readonly parameters: Parameters }[];
  readonly raw_input_contents: readonly Uint8Array[];
}

/** `inference.ModelInferResponse`. */
export interface ModelInferResponse {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly outputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
    readonly contents?: TensorContents;
  }[];
  readonly raw_output_contents: readonly Uint8Array[];
}

type ContentsField = keyof TensorContents;

/** Where the elements of a datatype are; 16-bit floats come as raw bytes only. */
const FIELD_OF: ReadonlyMap<string, ContentsField> = new Map<string, ContentsField>([
  ['BOOL', 'bool_contents'],
  ['INT8', 'int_contents'],
  ['INT16', 'int_contents'],
  ['INT32', 'int_contents'],
  ['INT64', 'int64_contents'],
  ['UINT8', 'uint_contents'],
  ['UINT16', 'uint_contents'],
  ['UINT32', 'uint_contents'],
  ['UINT64', 'uint64_contents'],
  ['FP32', 'fp32_contents'],
  ['FP64', 'fp64_contents'],
  ['BYTES', 'bytes_contents'],
]);

function parametersOf(given: Parameters): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, value[value.parameter_choice ?? ''] ?? null]),
  );
}

/** Returns the elements as JSON would have them: text for bytes, null for NaN; what is no text stays bytes. */
function elementsOf(contents: TensorContents | null, field: ContentsField): readonly unknown[] {
  return (contents?.[field] ?? []).map((value) => {
    if (value instanceof Uint8Array) return textOf(value) ?? value;
    return Number.isNaN(value) ? null : value;
  });
}

/** Returns what is wrong with where the tensors of a request are, or undefined. */
function contentsFault({ inputs, raw_input_contents: raw }: ModelInferRequest): ItemFault | undefined {
  if (raw.length > 0 && raw.length !== inputs.length) {
    const message = `${String(raw.length)} tensors, allowed ${String(inputs.length)}, one for each input`;
    return { field: 'raw_input_contents', message };
  }
  for (const [index, { datatype, contents }] of inputs.entries()) {
    const field = `inputs[${String(index)}].contents`;
    if (raw.length > 0) {
      if (contents !== null)
        return { field, message: 'is there beside raw_input_contents, allowed one of the two' };
      continue;
    }
    if (datatype === 'FP16' || datatype === 'BF16')
      return { field, message: `${datatype} has no typed contents, allowed raw_input_contents` };
    const own = FIELD_OF.get(datatype);
    const other = [...new Set(FIELD_OF.values())].find(
      (one) => one !== own && (contents?.[one]?.length ?? 0) > 0,
    );
    if (own !== undefined && other !== undefined)
      return { field: `${field}.${other}`, message: `is filled, ${datatype} has its elements in ${own}` };
    const text =
      own !== 'bytes_contents' ? -1 : elementsOf(contents, own).findIndex((one) => typeof one !== 'string');
    if (text >= 0)
      return { field: `${field}.bytes_contents[${String(text)}]`, message: 'is not valid UTF-8' };
  }
  return undefined;
}

/**
 * Returns the body that a message is, in the shape of the JSON of HTTP, raw tensors as their bytes; or what is wrong with
 * where its tensors are. Everything else is checked by who parses the body.
 */
export function inferBodyOf(
  message: ModelInferRequest,
): { readonly body: unknown } | { readonly fault: ItemFault } {
  const fault = contentsFault(message);
  if (fault !== undefined) return { fault };
  const { id, parameters, inputs, outputs, raw_input_contents: raw } = message;
  return {
    body: {
      ...(id === '' ? {} : { id }),
      parameters: parametersOf(parameters),
      inputs: inputs.map(({ contents, ...input }, index) => ({
        ...input,
        parameters: parametersOf(input.parameters),
        data: raw[index] ?? elementsOf(contents, FIELD_OF.get(input.datatype) ?? 'bytes_contents'),
      })),
      outputs: outputs.map(({ name, parameters: own }) => ({ name, parameters: parametersOf(own) })),
    },
  };
}

function contentsOf({ datatype, data }: InferOutput): TensorContents {
  const field = FIELD_OF.get(datatype) ?? 'bytes_contents';
  return { [field]: field === 'bytes_contents' ? data.map((one) => Buffer.from(String(one))) : data };
}

/** Returns the message of an answer: raw tensors to who sent raw ones, typed contents otherwise. */
export function responseOf(answer: InferAnswer, isRaw: boolean): ModelInferResponse {
  const { model_name, model_version, id = '', outputs } = answer;
  return {
    model_name,
    model_version,
    id,
    outputs: outputs.map((output) => {
      const { name, datatype, shape } = output;
      return { name, datatype, shape, ...(isRaw ? {} : { contents: contentsOf(output) }) };
    }),
    raw_output_contents: isRaw ? outputs.map(({ datatype, data }) => encodeTensor(datatype, data)) : [],
  };
}
