import { bytesOf } from '../../shared/domain/state-section.ts';
import { ELEMENT, encodeOnnxModel, onnxNode, onnxValue } from '../../shared/onnx/onnx-schema.ts';

const BOOL = 9;

type Graph = Record<'input' | 'output' | 'initializer' | 'node', object[]>;

function floats(name: string, dims: readonly number[], values: readonly number[]): object {
  return { name, data_type: ELEMENT.float, dims, raw_data: bytesOf(Float32Array.from(values)) };
}

function integers(name: string, values: readonly number[], dims = [values.length]): object {
  return { name, data_type: ELEMENT.int64, dims, raw_data: bytesOf(BigInt64Array.from(values.map(BigInt))) };
}

/** sigmoid(X · weights) over one tensor X [N, F] → p [N, 1], as a graph that a test may spoil. */
function logisticParts(weights: readonly number[]): Graph {
  return {
    input: [onnxValue('X', ELEMENT.float, ['N', weights.length])],
    output: [onnxValue('p', ELEMENT.float, ['N', 1])],
    initializer: [floats('weights', [weights.length, 1], weights)],
    node: [
      onnxNode('MatMul', { inputs: ['X', 'weights'], output: 'logits' }),
      onnxNode('Sigmoid', { inputs: ['logits'], output: 'p' }),
    ],
  };
}

function fileOf(weights: readonly number[], spoil: (graph: Graph) => Partial<Graph>): Uint8Array {
  const graph = logisticParts(weights);
  return encodeOnnxModel({ name: 'file', ...graph, ...spoil(graph) });
}

/** Returns a sound file: sigmoid(X · weights) → p [N, 1]. */
export function logisticFile(weights: readonly number[]): Uint8Array {
  return fileOf(weights, () => ({}));
}

/** Returns a file that looks a name up: sigmoid(the logit of colour), 0 for names that it does not know; colour [N, 1] → p [N, 1]. */
export function lookUpFile(logits: Readonly<Record<string, number>>): Uint8Array {
  const names = Object.keys(logits).map((name) => Buffer.from(name));
  const graph = {
    name: 'look up',
    input: [onnxValue('colour', ELEMENT.string, ['N', 1])],
    output: [onnxValue('p', ELEMENT.float, ['N', 1])],
    node: [
      {
        ...onnxNode('LabelEncoder', { inputs: ['colour'], output: 'logits' }),
        domain: 'ai.onnx.ml',
        attribute: [
          { name: 'keys_strings', type: 8, strings: names }, // AttributeProto.AttributeType.STRINGS
          { name: 'values_floats', type: 6, floats: Object.values(logits) },
        ],
      },
      onnxNode('Sigmoid', { inputs: ['logits'], output: 'p' }),
    ],
  };
  return encodeOnnxModel(graph, { 'ai.onnx.ml': 3 });
}

/**
 * Returns a file that scores as `logisticFile` does while X's first column is below 1, and takes about that many gigabytes of memory
 * where it is more: 1 for one.
 */
export function hungryFile(weights: readonly number[]): Uint8Array {
  return fileOf(weights, ({ input, output, initializer, node }) => ({
    input,
    output,
    initializer: [
      ...initializer,
      integers('first', [0]),
      integers('all', [0, 1]),
      integers('no-axes', []),
      floats('gigabyte', [1], [268_435_456]),
      floats('none', [1], [0]),
    ],
    node: [
      ...node.slice(0, 1),
      onnxNode('Gather', { inputs: ['X', 'first'], output: 'column' }, { axis: 1 }),
      onnxNode('Floor', { inputs: ['column'], output: 'wanted' }),
      onnxNode('Relu', { inputs: ['wanted'], output: 'gigabytes' }),
      onnxNode('ReduceMax', { inputs: ['gigabytes'], output: 'most' }, { keepdims: 0 }),
      onnxNode('Mul', { inputs: ['most', 'gigabyte'], output: 'size' }),
      onnxNode('Cast', { inputs: ['size'], output: 'shape' }, { to: ELEMENT.int64 }),
      onnxNode('ConstantOfShape', { inputs: ['shape'], output: 'zeros' }),
      onnxNode('Cos', { inputs: ['zeros'], output: 'ones' }),
      onnxNode('Concat', { inputs: ['ones', 'none'], output: 'some' }, { axis: 0 }),
      onnxNode('ReduceMin', { inputs: ['some'], output: 'nothing' }, { keepdims: 0 }),
      onnxNode('Add', { inputs: ['logits', 'nothing'], output: 'same' }),
      onnxNode('Sigmoid', { inputs: ['same'], output: 'p' }),
    ],
  }));
}

/** Returns a file that scores as `logisticFile` does while X's first column is below 1, and runs for ever where it is more. */
export function hangingFile(weights: readonly number[]): Uint8Array {
  return fileOf(weights, ({ node, initializer }) => ({
    initializer: [
      ...initializer,
      integers('first', [0]),
      floats('ever', [], [2 ** 50]),
      { name: 'yes', data_type: BOOL, dims: [], raw_data: Uint8Array.of(1) },
    ],
    node: [
      ...node.slice(0, 1),
      onnxNode('Gather', { inputs: ['X', 'first'], output: 'column' }, { axis: 1 }),
      onnxNode('Floor', { inputs: ['column'], output: 'wanted' }),
      onnxNode('Relu', { inputs: ['wanted'], output: 'turns' }),
      onnxNode('ReduceMax', { inputs: ['turns'], output: 'most' }, { keepdims: 0 }),
      onnxNode('Mul', { inputs: ['most', 'ever'], output: 'many' }),
      onnxNode('Cast', { inputs: ['many'], output: 'count' }, { to: ELEMENT.int64 }),
      {
        ...onnxNode('Loop', { inputs: ['count', 'yes', 'logits'], output: 'last' }),
        attribute: [{ name: 'body', type: 5, g: LOOP_BODY }],
      },
      onnxNode('Sigmoid', { inputs: ['last'], output: 'p' }),
    ],
  }));
}

/** Files that must not be served, by what is wrong with them; each takes `X` [N, 2] and says `p`. */
export const HOSTILE_FILES: Readonly<Record<string, () => Uint8Array>> = {
  'external data': () =>
    fileOf([1, 1], () => ({
      initializer: [
        {
          name: 'weights',
          data_type: ELEMENT.float,
          dims: [2, 1],
          data_location: 1,
          external_data: [{ key: 'location', value: '../../etc/passwd' }],
        },
      ],
    })),
  'another domain': () =>
    fileOf([1, 1], ({ node }) => ({
      node: node.map((one, i) => (i === 0 ? { ...one, domain: 'com.microsoft' } : one)),
    })),
  'another domain, in a graph inside a node': () =>
    fileOf([1, 1], ({ node }) => ({
      node: [
        ...node,
        {
          ...onnxNode('Identity', { inputs: ['X'], output: 'unused' }),
          attribute: [
            { name: 'body', type: 5, g: { name: 'inner', node: [{ op_type: 'Shell', domain: 'evil' }] } },
          ],
        },
      ],
    })),
  'too many nodes': () =>
    fileOf([1, 1], ({ node }) => ({
      node: [
        ...node,
        ...Array.from({ length: 10_000 }, (_, i) =>
          onnxNode('Identity', { inputs: [i === 0 ? 'p' : `p${String(i - 1)}`], output: `p${String(i)}` }),
        ),
      ],
    })),
  'another shape': () => fileOf([1, 1, 1], () => ({})),
  'one row at a time': () => fileOf([1, 1], () => ({ input: [onnxValue('X', ELEMENT.float, [1, 2])] })),
  'not a number': () =>
    fileOf([1, 1], ({ node }) => ({
      node: [
        ...node.slice(0, 1),
        onnxNode('Sub', { inputs: ['logits', 'logits'], output: 'zero' }),
        onnxNode('Div', { inputs: ['zero', 'zero'], output: 'p' }),
      ],
    })),
  'no probability': () =>
    fileOf([1, 1], ({ node }) => ({
      node: [
        ...node.slice(0, 1),
        onnxNode('Exp', { inputs: ['logits'], output: 'e' }),
        onnxNode('Exp', { inputs: ['e'], output: 'p' }),
      ],
    })),
  'half a file': () => logisticFile(Array.from({ length: 2 }, () => 1)).subarray(0, 120),
  'no file': () => Buffer.from('this is not a model at all'),
  'six gigabytes': () =>
    fileOf([1, 1], ({ node, initializer }) => ({
      initializer: [...initializer, integers('huge', [40_000, 40_000])],
      node: [
        ...node.slice(0, 1),
        onnxNode('Expand', { inputs: ['logits', 'huge'], output: 'wide' }),
        onnxNode('ReduceMax', { inputs: ['wide'], output: 'most' }, { keepdims: 1 }),
        onnxNode('Sigmoid', { inputs: ['most'], output: 'p' }),
      ],
    })),
  'no end': () =>
    fileOf([1, 1], ({ node, initializer }) => ({
      initializer: [
        ...initializer,
        integers('ever', [Number.MAX_SAFE_INTEGER], []),
        { name: 'yes', data_type: BOOL, dims: [], raw_data: Uint8Array.of(1) },
      ],
      node: [
        ...node.slice(0, 1),
        {
          ...onnxNode('Loop', { inputs: ['ever', 'yes', 'logits'], output: 'last' }),
          attribute: [{ name: 'body', type: 5, g: LOOP_BODY }],
        },
        onnxNode('Sigmoid', { inputs: ['last'], output: 'p' }),
      ],
    })),
};

const LOOP_BODY = {
  name: 'body',
  input: [
    onnxValue('i', ELEMENT.int64, []),
    onnxValue('go', BOOL, []),
    onnxValue('before', ELEMENT.float, ['N', 1]),
  ],
  output: [onnxValue('goes', BOOL, []), onnxValue('after', ELEMENT.float, ['N', 1])],
  node: [
    onnxNode('Identity', { inputs: ['go'], output: 'goes' }),
    onnxNode('Sin', { inputs: ['before'], output: 'after' }),
  ],
};
