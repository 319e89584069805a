import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { OpenScorer } from '../ports.ts';

/**
 * Returns what loads graphs into ONNX Runtime: from their bytes (never from a path, which would follow links), into a session
 * on one thread, because runs are short and other threads would only wait for each other. Loading rejects when the bytes are
 * no ONNX model or its inputs are not `indices` [N, width], `values` and `weights`.
 *
 * @param monotonicMs monotonic clock, ms
 */
export function createOnnxScorers(monotonicMs: () => number): OpenScorer {
  return async (graph, width) => {
    const session = await InferenceSession.create(graph, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      executionMode: 'sequential',
    });
    const { inputNames } = session;
    const rowInput = session.inputMetadata[inputNames.indexOf('indices')];
    const found = rowInput?.isTensor === true ? rowInput.shape[1] : undefined;
    if (found !== width || !inputNames.includes('values') || !inputNames.includes('weights')) {
      await session.release();
      const inputs = `${inputNames.join(', ')} of width ${String(found)}`;
      throw new RangeError(
        `graph takes ${inputs}, allowed indices, values, weights of width ${String(width)}`,
      );
    }
    let weightTensor: Tensor | undefined;

    return {
      async score({ indices, values, rows }, weights) {
        // A patch in place is seen through the tensor that is there; only another array needs another tensor.
        if (weightTensor?.data !== weights) weightTensor = new Tensor('float32', weights, [weights.length]);
        const shape = [rows, width];
        let beganMs = monotonicMs();
        setImmediate(() => {
          beganMs = monotonicMs(); // ONNX Runtime queues its run right behind this
        });
        const { scores } = await session.run({
          indices: new Tensor('int32', indices, shape),
          values: new Tensor('float32', values, shape),
          weights: weightTensor,
        });
        return { scores: scores?.data as Float32Array, durationMs: monotonicMs() - beganMs };
      },
      close: () => session.release(),
    };
  };
}
