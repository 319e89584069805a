import protobuf from 'protobufjs';

/**
 * The part of onnx.proto (to IR 12) that a file's nodes and references hang on, with its field numbers. Every message inside another is
 * `repeated` here, where ONNX has most of them once: a parser that merges a field that stands there twice would see more than one that
 * takes the last, so all of them are looked at, and twice is refused.
 */
const ONNX_PROTO = `
syntax = "proto3";
package onnx;
message ModelProto {
  repeated GraphProto graph = 7;
  repeated TrainingInfoProto training_info = 20;
  repeated FunctionProto functions = 25;
}
message TrainingInfoProto { string nothing = 999; }
message FunctionProto { string name = 1; }
message GraphProto {
  repeated NodeProto node = 1;
  repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11;
  repeated ValueInfoProto output = 12;
  repeated SparseTensorProto sparse_initializer = 15;
}
message NodeProto {
  string name = 3;
  string op_type = 4;
  repeated AttributeProto attribute = 5;
  string domain = 7;
}
message AttributeProto {
  repeated TensorProto t = 5;
  repeated GraphProto g = 6;
  repeated TensorProto tensors = 10;
  repeated GraphProto graphs = 11;
  repeated SparseTensorProto sparse_tensor = 22;
  repeated SparseTensorProto sparse_tensors = 23;
}
message SparseTensorProto { repeated TensorProto values = 1; repeated TensorProto indices = 2; }
message TensorProto { string name = 8; repeated StringStringEntryProto external_data = 13; int32 data_location = 14; }
message StringStringEntryProto { string key = 1; string value = 2; }
message ValueInfoProto { string name = 1; repeated TypeProto type = 2; }
message TypeProto {
  repeated TensorTypeProto tensor_type = 1;
  repeated OtherTypeProto sequence_type = 4;
  repeated OtherTypeProto map_type = 5;
  repeated OtherTypeProto optional_type = 9;
  repeated OtherTypeProto sparse_tensor_type = 8;
}
message OtherTypeProto { string nothing = 999; }
message TensorTypeProto { int32 elem_type = 1; repeated TensorShapeProto shape = 2; }
message TensorShapeProto { repeated DimensionProto dim = 1; }
message DimensionProto { oneof value { int64 dim_value = 1; string dim_param = 2; } }
`;

const modelProto = protobuf.parse(ONNX_PROTO, { keepCase: true }).root.lookupType('onnx.ModelProto');

/** Names of element types by their number in onnx.proto. */
const ELEMENTS = [
  'undefined',
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'float64',
];

const STANDARD_DOMAINS = new Set(['', 'ai.onnx', 'ai.onnx.ml']);
const NAMED_MAX = 10;

/** An input or output of a graph. */
export interface GraphValue {
  readonly name: string;
  /** Element type of a tensor, as `float32`; else what it is, as `sequence` or `map`. */
  readonly type: string;
  /** Sizes, null where they vary; null as a whole when the file does not say. */
  readonly shape: readonly (number | null)[] | null;
}

/** What a file is made of, without having been run. */
export interface InspectedGraph {
  /** Nodes in all, those of graphs inside nodes included. */
  readonly nodes: number;
  /** Operators of other domains than ONNX's own, as `domain.operator`; ten at most. */
  readonly foreignOperators: readonly string[];
  /** Tensors whose values are said to be in another file; ten at most. */
  readonly externalTensors: readonly string[];
  /** What else it has that no file may have, in words. */
  readonly strange: readonly string[];
  /** Inputs that have no value in the file itself. */
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
}

interface Tensor {
  name: string;
  external_data: unknown[];
  data_location: number;
}
interface Sparse {
  values: Tensor[];
  indices: Tensor[];
}
interface Value {
  name: string;
  type: {
    tensor_type: { elem_type: number; shape: { dim: { dim_value?: { toString(): string } | null }[] }[] }[];
    sequence_type: unknown[];
    map_type: unknown[];
    optional_type: unknown[];
    sparse_tensor_type: unknown[];
  }[];
}
interface Attribute {
  t: Tensor[];
  g: Graph[];
  tensors: Tensor[];
  graphs: Graph[];
  sparse_tensor: Sparse[];
  sparse_tensors: Sparse[];
}
interface Graph {
  node: { name: string; op_type: string; domain: string; attribute: Attribute[] }[];
  initializer: Tensor[];
  sparse_initializer: Sparse[];
  input: Value[];
  output: Value[];
}
interface Model {
  graph: Graph[];
  training_info: unknown[];
  functions: { name: string }[];
}

/** Returns what a file is made of. Throws when the bytes are no ONNX model. */
export function inspectOnnx(bytes: Uint8Array): InspectedGraph {
  const model = modelProto.decode(bytes) as unknown as Model;
  const [main] = model.graph;
  if (main === undefined) throw new RangeError('it has no graph');
  const strange: string[] = [];
  if (model.graph.length > 1) strange.push(`${String(model.graph.length)} graphs, allowed one`);
  if (model.training_info.length > 0) strange.push('training steps, allowed none');
  if (model.functions.length > 0)
    strange.push(`functions of its own (${String(model.functions[0]?.name)}), allowed none: inline them`);
  const foreign = new Set<string>();
  const external = new Set<string>();
  let nodes = 0;
  const waiting: Graph[] = [...model.graph];
  for (let graph = waiting.pop(); graph !== undefined; graph = waiting.pop()) {
    const tensors = [...graph.initializer, ...graph.sparse_initializer.flatMap(tensorsOf)];
    nodes += graph.node.length;
    for (const { op_type: operator, domain, attribute } of graph.node) {
      if (!STANDARD_DOMAINS.has(domain)) foreign.add(`${domain}.${operator}`.slice(0, 128));
      for (const { t, g, tensors: list, graphs, sparse_tensor, sparse_tensors } of attribute) {
        if (t.length > 1 || g.length > 1) strange.push(`an attribute of ${operator} that has two values`);
        waiting.push(...g, ...graphs);
        tensors.push(...t, ...list, ...[...sparse_tensor, ...sparse_tensors].flatMap(tensorsOf));
      }
    }
    for (const { name, external_data: elsewhere, data_location: location } of tensors)
      if (elsewhere.length > 0 || location !== 0) external.add(name.slice(0, 128) || '(without a name)');
  }
  const given = new Set(main.initializer.map(({ name }) => name));
  return {
    nodes,
    foreignOperators: [...foreign].slice(0, NAMED_MAX),
    externalTensors: [...external].slice(0, NAMED_MAX),
    strange: [...new Set(strange)].slice(0, NAMED_MAX),
    inputs: main.input.filter(({ name }) => !given.has(name)).map(graphValue),
    outputs: main.output.map(graphValue),
  };
}

/**
 * Returns the operators of a file's nodes, those of graphs inside nodes included, each once; `function NAME` for functions of its own.
 * Throws when the bytes are no ONNX model.
 */
export function operatorsOf(bytes: Uint8Array): readonly string[] {
  const model = modelProto.decode(bytes) as unknown as Model;
  const found = new Set(model.functions.map(({ name }) => `function ${name}`));
  const waiting: Graph[] = [...model.graph];
  for (let graph = waiting.pop(); graph !== undefined; graph = waiting.pop()) {
    for (const { op_type: operator, domain, attribute } of graph.node) {
      found.add(STANDARD_DOMAINS.has(domain) ? operator : `${domain}.${operator}`);
      for (const { g, graphs } of attribute) waiting.push(...g, ...graphs);
    }
  }
  return [...found];
}

function tensorsOf({ values, indices }: Sparse): Tensor[] {
  return [...values, ...indices];
}

function graphValue({ name, type: [type, second] }: Value): GraphValue {
  const [tensor] = type?.tensor_type ?? [];
  if (type === undefined || second !== undefined || tensor === undefined) {
    const kinds = ['sequence', 'map', 'optional', 'sparse_tensor'] as const;
    const kind = kinds.find((one) => (type?.[`${one}_type`].length ?? 0) > 0);
    return { name, type: kind ?? 'something that is no tensor', shape: null };
  }
  const [shape] = tensor.shape;
  return {
    name,
    type: ELEMENTS[tensor.elem_type] ?? `element type ${String(tensor.elem_type)}`,
    shape: shape?.dim.map(({ dim_value: size }) => sizeOf(size)) ?? null,
  };
}

/** Exporters write 0 or −1 as well as a name for a size that varies. */
function sizeOf(size: { toString(): string } | null | undefined): number | null {
  const value = Number((size ?? 0).toString()); // a number, or a Long
  return value > 0 ? value : null;
}
