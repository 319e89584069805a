import type { LearnerConfig } from '../domain/model-spec.ts';
import { bytesOf } from '../domain/state-section.ts';
import { ELEMENT, encodeOnnxModel, onnxNode, onnxValue } from './onnx-schema.ts';

type GraphBuilder = (config: LearnerConfig, width: number, weights?: Float32Array<ArrayBuffer>) => object;

const BUILDERS: Readonly<Record<LearnerConfig['kind'], GraphBuilder>> = { 'ftrl-logistic': logisticGraph };

/**
 * Operators of the graphs below. None repeats anything or makes more than its inputs are large, so a run of them ends. Whoever adds one that
 * does either takes away from a router what keeps a graph from holding up its thread.
 */
export const SCORING_OPERATORS: ReadonlySet<string> = new Set(['Gather', 'Mul', 'ReduceSum', 'Sigmoid']);

/**
 * Returns the ONNX model that scores like this kind of learner, with the parameters as an input: `indices` int32 [N, width],
 * `values` float [N, width], `weights` float [2^tableBits + 1] → `scores` float [N].
 *
 * @param width pairs a row, as the feature encoder writes them
 */
export function buildOnnxGraph(config: LearnerConfig, width: number): Uint8Array {
  return encodeOnnxModel(BUILDERS[config.kind](config, width));
}

/**
 * Returns the same model with these weights embedded, so that the file needs nothing else: `indices`, `values` → `scores`.
 *
 * @throws RangeError when there are not 2^tableBits + 1 weights
 */
export function buildPortableOnnx(
  config: LearnerConfig,
  width: number,
  weights: Float32Array<ArrayBuffer>,
): Uint8Array {
  const size = 2 ** config.tableBits + 1;
  if (weights.length !== size) {
    throw new RangeError(
      `exporting ${config.kind}: ${String(weights.length)} weights, allowed ${String(size)}`,
    );
  }
  return encodeOnnxModel(BUILDERS[config.kind](config, width, weights));
}

/** sigmoid(Σ weights[indices] · values) over each row. */
function logisticGraph(config: LearnerConfig, width: number, weights?: Float32Array<ArrayBuffer>): object {
  const size = 2 ** config.tableBits + 1;
  const axes = { name: 'axes', data_type: ELEMENT.int64, dims: [1], raw_data: bytesOf(BigInt64Array.of(1n)) };
  const embedded = weights && {
    name: 'weights',
    data_type: ELEMENT.float,
    dims: [size],
    raw_data: bytesOf(weights),
  };
  return {
    name: config.kind,
    input: [
      onnxValue('indices', ELEMENT.int32, ['N', width]),
      onnxValue('values', ELEMENT.float, ['N', width]),
      ...(embedded ? [] : [onnxValue('weights', ELEMENT.float, [size])]),
    ],
    output: [onnxValue('scores', ELEMENT.float, ['N'])],
    initializer: embedded ? [axes, embedded] : [axes],
    node: [
      onnxNode('Gather', { inputs: ['weights', 'indices'], output: 'gathered' }, { axis: 0 }),
      onnxNode('Mul', { inputs: ['gathered', 'values'], output: 'products' }),
      onnxNode('ReduceSum', { inputs: ['products', 'axes'], output: 'logits' }, { keepdims: 0 }),
      onnxNode('Sigmoid', { inputs: ['logits'], output: 'scores' }),
    ],
  };
}
