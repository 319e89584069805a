import protobuf from 'protobufjs';

/** The part of onnx.proto (ONNX IR 8) that graphs written here need, with its field numbers. */
const ONNX_PROTO = `
syntax = "proto3";
package onnx;
message ModelProto {
  int64 ir_version = 1;
  string producer_name = 2;
  GraphProto graph = 7;
  repeated OperatorSetIdProto opset_import = 8;
}
message OperatorSetIdProto { string domain = 1; int64 version = 2; }
message GraphProto {
  repeated NodeProto node = 1;
  string name = 2;
  repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11;
  repeated ValueInfoProto output = 12;
}
message NodeProto {
  repeated string input = 1;
  repeated string output = 2;
  string name = 3;
  string op_type = 4;
  repeated AttributeProto attribute = 5;
  string domain = 7;
}
message AttributeProto {
  string name = 1;
  int64 i = 3;
  GraphProto g = 6;
  repeated float floats = 7;
  repeated bytes strings = 9;
  int32 type = 20;
}
message ValueInfoProto { string name = 1; TypeProto type = 2; }
message TypeProto { TensorTypeProto tensor_type = 1; }
message TensorTypeProto { int32 elem_type = 1; TensorShapeProto shape = 2; }
message TensorShapeProto { repeated DimensionProto dim = 1; }
message DimensionProto { oneof value { int64 dim_value = 1; string dim_param = 2; } }
message TensorProto {
  repeated int64 dims = 1;
  int32 data_type = 2;
  string name = 8;
  bytes raw_data = 9;
  repeated StringStringEntryProto external_data = 13;
  int32 data_location = 14;
}
message StringStringEntryProto { string key = 1; string value = 2; }
`;

const modelProto = protobuf.parse(ONNX_PROTO, { keepCase: true }).root.lookupType('onnx.ModelProto');

/** Element types of tensors, as onnx.proto numbers them. */
export const ELEMENT = { float: 1, int32: 6, int64: 7, string: 8 } as const;

/** A size of a tensor: fixed, or named when it varies. */
export type Dimension = number | string;

/**
 * Returns an ONNX ModelProto's bytes: IR 8, opset 17.
 *
 * @param opsets versions of further operator sets, by domain
 */
export function encodeOnnxModel(graph: object, opsets: Readonly<Record<string, number>> = {}): Uint8Array {
  const model = {
    ir_version: 8,
    producer_name: 'headrace',
    opset_import: [
      { domain: '', version: 17 },
      ...Object.entries(opsets).map(([domain, version]) => ({ domain, version })),
    ],
    graph,
  };
  return modelProto.encode(modelProto.fromObject(model)).finish();
}

/** Returns a ValueInfoProto: a graph's input or output. */
export function onnxValue(name: string, elementType: number, shape: readonly Dimension[]): object {
  const dim = shape.map((size) => (typeof size === 'number' ? { dim_value: size } : { dim_param: size }));
  return { name, type: { tensor_type: { elem_type: elementType, shape: { dim } } } };
}

/** Returns a NodeProto with integer attributes. */
export function onnxNode(
  operator: string,
  names: { readonly inputs: readonly string[]; readonly output: string },
  attributes: Readonly<Record<string, number>> = {},
): object {
  return {
    name: names.output,
    op_type: operator,
    input: names.inputs,
    output: [names.output],
    // AttributeProto.AttributeType.INT is 2.
    attribute: Object.entries(attributes).map(([name, i]) => ({ name, i, type: 2 })),
  };
}
