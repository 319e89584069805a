import { rowOf, shown } from '../../../shared/domain/check-item.ts';
import type { FeatureValue, ModelSpec } from '../../../shared/domain/model-spec.ts';
import { kindsOf } from '../../../shared/domain/published-model.ts';
import type { InputType, PublishedInput, PublishedOutput } from '../../../shared/domain/published-model.ts';
import type { SpecFault } from './spec-fault.ts';

/** How an operator says that a file is to be read. */
export interface Signature {
  readonly inputs: readonly { readonly name: string; readonly features: readonly string[] }[];
  readonly output: PublishedOutput;
}

/** An input or output of a graph as its file declares it; a shape has null where a size varies, and is null when it is not said. */
export interface DeclaredValue {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | null)[] | null;
}

/** What a file is made of, without having been run. */
export interface FileParts {
  readonly nodes: number;
  readonly foreignOperators: readonly string[];
  readonly externalTensors: readonly string[];
  readonly strange: readonly string[];
  readonly inputs: readonly DeclaredValue[];
  readonly outputs: readonly DeclaredValue[];
}

/** Most nodes of a file, those of graphs inside nodes included. */
export const NODES_MAX = 4096;

/** Returns everything for which a file is refused before it is loaded. */
export function fileFaults(parts: FileParts): SpecFault[] {
  const { nodes, foreignOperators, externalTensors, strange } = parts;
  const field = 'onnx';
  const faults = [
    ...(nodes > NODES_MAX ? [`${String(nodes)} nodes, allowed ${String(NODES_MAX)}`] : []),
    ...foreignOperators.map(
      (name) => `operator ${name}, allowed those of the domains ai.onnx and ai.onnx.ml`,
    ),
    ...externalTensors.map(
      (name) => `tensor ${shown(name)} has its values in another file, allowed in this one`,
    ),
    ...strange,
  ];
  return faults.map((message) => ({ field, message }));
}

/** Returns everything in which a signature fits neither the file nor the model's spec. */
export function signatureFaults(signature: Signature, parts: FileParts, spec: ModelSpec): SpecFault[] {
  const { inputs, output } = signature;
  const named = new Set(inputs.map(({ name }) => name));
  const missing = parts.inputs.filter(({ name }) => !named.has(name));
  return [
    ...(named.size < inputs.length ? [{ field: 'signature.inputs', message: 'names an input twice' }] : []),
    ...missing.map(({ name }) => ({
      field: 'signature.inputs',
      message: `does not say what input ${shown(name)} of the graph is given`,
    })),
    ...inputs.flatMap(({ name, features }, index) => {
      const field = `signature.inputs.${String(index)}`;
      const declared = parts.inputs.find((one) => one.name === name);
      if (declared !== undefined) return inputFaults(field, declared, features, spec);
      const message = `${shown(name)}, allowed ${listed(parts.inputs)}`;
      return [{ field: `${field}.name`, message }];
    }),
    ...outputFaults(output, parts),
  ];
}

function listed(values: readonly DeclaredValue[]): string {
  return values.length === 0
    ? 'none: the graph has no inputs'
    : values
        .slice(0, 10)
        .map(({ name }) => shown(name))
        .join(', ');
}

function inputFaults(
  field: string,
  { name, type, shape }: DeclaredValue,
  features: readonly string[],
  spec: ModelSpec,
): SpecFault[] {
  const kinds = kindsOf(type);
  if (kinds === undefined) {
    const message = `${shown(name)} is ${type}, allowed float32, float64, int64, string or bool`;
    return [{ field, message }];
  }
  const faults: SpecFault[] = [];
  const [rows, columns] = shape ?? [null, null];
  const fits =
    shape === null ||
    (shape.length === 2 && rows === null && (columns ?? features.length) === features.length);
  if (!fits) {
    const words = `[${shape.map((size) => (size === null ? 'N' : String(size))).join(', ')}]`;
    const message = `${shown(name)} has shape ${words}, allowed [N, ${String(features.length)}] for ${String(features.length)} features`;
    faults.push({ field, message });
  }
  for (const [column, feature] of features.entries()) {
    const known = spec.features.find((one) => one.name === feature);
    const at = `${field}.features.${String(column)}`;
    if (known === undefined)
      faults.push({ field: at, message: `${shown(feature)} is not a feature of the model` });
    else if (!kinds.includes(known.type)) {
      const message = `${shown(feature)} is ${known.type}, allowed ${kinds.join(' or ')} in a ${type} tensor`;
      faults.push({ field: at, message });
    }
  }
  return faults;
}

function outputFaults({ name, column }: PublishedOutput, parts: FileParts): SpecFault[] {
  const declared = parts.outputs.find((one) => one.name === name);
  if (declared === undefined)
    return [{ field: 'signature.output.name', message: `${shown(name)}, allowed ${listed(parts.outputs)}` }];
  const { type, shape } = declared;
  if (type !== 'float32' && type !== 'float64') {
    const hint = type === 'sequence' || type === 'map' ? ' (export classifiers with zipmap off)' : '';
    return [
      {
        field: 'signature.output.name',
        message: `${shown(name)} is ${type}, allowed float32 or float64${hint}`,
      },
    ];
  }
  if (shape === null) return [];
  const width = shape.length === 1 ? 1 : shape[1];
  if (shape.length < 1 || shape.length > 2) {
    const message = `${shown(name)} has ${String(shape.length)} dimensions, allowed 1 or 2`;
    return [{ field: 'signature.output.name', message }];
  }
  if (typeof width !== 'number' || column < width) return [];
  return [
    { field: 'signature.output.column', message: `${String(column)}, allowed 0 … ${String(width - 1)}` },
  ];
}

/** Returns the inputs as they are recorded: with the types that the file declares. */
export function typedInputs({ inputs }: Signature, parts: FileParts): PublishedInput[] {
  return inputs.map(({ name, features }) => {
    const type = parts.inputs.find((one) => one.name === name)?.type as InputType; // signatureFaults has seen it
    return { name, type, features };
  });
}

/**
 * Returns the row that a file is tried with: what the operator gives, else 0, false and the empty string; or what is wrong with it.
 *
 * @param given values by feature; undefined when the operator gave none
 */
export function probeRow(
  given: unknown,
  { features }: ModelSpec,
): { readonly row: readonly FeatureValue[] } | { readonly fault: SpecFault } {
  if (given === undefined)
    return { row: features.map(({ type }) => (type === 'numeric' ? 0 : type === 'boolean' ? false : '')) };
  const found = rowOf(given, features);
  if (!('fault' in found)) return found;
  return { fault: { ...found.fault, field: found.fault.field.replace(/^features/, 'probe') } };
}

/** Returns why scores of the probe, asked for once and in a batch, are not those of a version; undefined when they are. */
export function probeFault(alone: number | undefined, together: readonly number[]): SpecFault | undefined {
  const field = 'probe';
  for (const score of [alone ?? NaN, ...together]) {
    if (!(score >= 0 && score <= 1))
      return { field, message: `scores ${String(score)}, allowed a probability in [0, 1]` };
    if (Math.abs(score - (alone ?? NaN)) > 1e-4) {
      const message = `scores ${String(alone)} alone and ${String(score)} among ${String(together.length)} rows, allowed the same`;
      return { field, message };
    }
  }
  return undefined;
}
