import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { OpenScorer } from '../ports.ts';

/**
 * Loads a graph from its bytes (never from a path, which would follow links) into a session on one thread: runs are short,
 * and other threads would only wait for each other. Rejects when the bytes are no ONNX model or its inputs are not `indices`
 * int32 [N, width], `values` and `weights` float32.
 */
export const openOnnxScorer: OpenScorer = async (graph, width) => {
  const session = await InferenceSession.create(graph, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
  });
  const rowInput = session.inputMetadata[session.inputNames.indexOf('indices')];
  const found = rowInput?.isTensor === true ? rowInput.shape[1] : undefined;
  if (found !== width || !session.inputNames.includes('values') || !session.inputNames.includes('weights')) {
    await session.release();
    throw new RangeError(`graph takes ${session.inputNames.join(', ')} of width ${String(found)}, allowed indices, values, weights of width ${String(width)}`);
  }
  let weightTensor: Tensor | undefined;

  return {
    async score({ indices, values, rows }, weights) {
      // A patch in place is seen through the tensor that is there; only another array needs another tensor.
      if (weightTensor?.data !== weights) weightTensor = new Tensor('float32', weights, [weights.length]);
      const shape = [rows, width];
      const { scores } = await session.run({
        indices: new Tensor('int32', indices, shape),
        values: new Tensor('float32', values, shape),
        weights: weightTensor,
      });
      return scores?.data as Float32Array;
    },
    close: () => session.release(),
  };
};
