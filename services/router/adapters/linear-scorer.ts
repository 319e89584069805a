import { createRng } from '../../../shared/domain/rng.ts';
import { buildOnnxGraph } from '../../../shared/onnx/scoring-graph.ts';
import { MULTIPLY_ADD, scoreLinear } from '../domain/score-linear.ts';
import type { OpenScorer, RowBatch } from '../ports.ts';

type MultiplyAdd = (typeof MULTIPLY_ADD)[keyof typeof MULTIPLY_ADD];

const TABLE_BITS = Array.from({ length: 17 }, (_, at) => 8 + at);
/** Rows that are compared in runs of these sizes: where in a run a row lies changes how its sum is added up. */
const COMPARED_RUNS = [1, 2, 3, 4, 5, 64, 193];

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** Returns seeded rows over `size` weights, and weights that are none but where the rows look. */
function randomRun(rows: number, width: number, size: number): { batch: RowBatch; weights: Float32Array } {
  const rng = createRng(rows);
  const weights = new Float32Array(size);
  const indices = Int32Array.from({ length: rows * width }, () => rng.int(size));
  for (const index of indices) weights[index] = 4 * (rng.next() - 0.5);
  const values = Float32Array.from(indices, () => (rng.int(2) === 0 ? 1 : 6 * (rng.next() - 0.5)));
  return { batch: { indices, values, rows }, weights };
}

/**
 * Returns a scorer of plain arrays for graphs that are byte for byte the one our learner exports, and `openReference` for all
 * others. Before the first graph of a shape is scored that way, ONNX Runtime scores random rows with it: unless all bits are
 * the same in one of the ways in which processors add, `openReference` scores that shape, too.
 *
 * @param openReference ONNX Runtime
 * @param monotonicMs monotonic clock, ms
 */
export function createLinearScorers(openReference: OpenScorer, monotonicMs: () => number): OpenScorer {
  /** Graphs of rows of a width, by table size. */
  const graphs = new Map<number, readonly { readonly size: number; readonly graph: Uint8Array }[]>();
  const ways = new Map<string, MultiplyAdd | undefined>();

  function sizeOf(graph: Uint8Array, width: number): number | undefined {
    const ours =
      graphs.get(width) ??
      TABLE_BITS.map((tableBits) => ({
        size: 2 ** tableBits + 1,
        graph: buildOnnxGraph({ kind: 'ftrl-logistic', tableBits, alpha: 1, beta: 1, l1: 0, l2: 0 }, width),
      }));
    graphs.set(width, ours);
    return ours.find((one) => isSame(one.graph, graph))?.size;
  }

  async function sameWay(graph: Uint8Array, width: number, size: number): Promise<MultiplyAdd | undefined> {
    const reference = await openReference(graph, width);
    let left: MultiplyAdd[] = [MULTIPLY_ADD.fused, MULTIPLY_ADD.separate];
    for (const rows of COMPARED_RUNS) {
      const { batch, weights } = randomRun(rows, width, size);
      const { scores } = await reference.score(batch, weights);
      left = left.filter((way) =>
        scoreLinear(batch, weights, way).every((score, row) => score === scores[row]),
      );
    }
    await reference.close();
    return left[0];
  }

  return async (graph, width) => {
    const size = sizeOf(graph, width);
    if (size === undefined) return openReference(graph, width);
    const shape = `${String(width)}/${String(size)}`;
    const way = ways.has(shape) ? ways.get(shape) : await sameWay(graph, width, size);
    ways.set(shape, way);
    if (way === undefined) return openReference(graph, width);
    return {
      score(batch, weights) {
        if (weights.length !== size) {
          throw new RangeError(`scoring: ${String(weights.length)} weights, allowed ${String(size)}`);
        }
        const beganMs = monotonicMs();
        const scores = scoreLinear(batch, weights, way);
        return { scores, durationMs: monotonicMs() - beganMs };
      },
      close: () => Promise.resolve(),
    };
  };
}
