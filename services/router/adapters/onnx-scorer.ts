import { InferenceSession, Tensor } from 'onnxruntime-node';
import { operatorsOf } from '../../../shared/onnx/inspect-onnx.ts';
import { SCORING_OPERATORS } from '../../../shared/onnx/scoring-graph.ts';
import type { OpenScorer } from '../ports.ts';

/**
 * Returns what loads graphs into ONNX Runtime: from their bytes (never from a path, which would follow links), into a session
 * on one thread, because runs are short and other threads would only wait for each other. Loading rejects when the bytes are
 * no ONNX model, its inputs are not `indices` [N, width], `values` and `weights`, or it uses an operator that our learners' graphs do
 * not: a run keeps this thread until it ends, so what could run for ever is not run here.
 *
 * @param monotonicMs monotonic clock, ms
 */
export function createOnnxScorers(monotonicMs: () => number): OpenScorer {
  return async (graph, width) => {
    const other = operatorsOf(graph).find((operator) => !SCORING_OPERATORS.has(operator));
    if (other !== undefined) {
      const allowed = [...SCORING_OPERATORS].join(', ');
      throw new RangeError(`graph uses ${other.slice(0, 128)}, allowed in this process ${allowed}`);
    }
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
