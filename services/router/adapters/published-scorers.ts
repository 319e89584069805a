import { inputColumns } from '../../../shared/domain/published-model.ts';
import { openSandbox } from '../../../shared/onnx/sandbox.ts';
import type { OpenPublished, ScoredRows } from '../ports.ts';

/** Limits of the process that runs a published file. */
export interface PublishedLimits {
  readonly memoryMb: number;
  /** The most that loading may take, ms. */
  readonly loadMs: number;
  /** The most that a run may take, ms; beyond it the process is ended. */
  readonly runMs: number;
}

/** Returns the answer of a sandbox as scores of so many rows; what is no probability becomes NaN, which is a failed score. */
function scoredRows(answer: unknown, rows: number): ScoredRows {
  const { scores, durationMs } = (answer ?? {}) as { scores?: unknown; durationMs?: unknown };
  if (!(scores instanceof Float64Array) || scores.length !== rows || typeof durationMs !== 'number')
    throw new RangeError(`its process did not answer with ${String(rows)} scores`);
  return { scores: scores.map((score) => (score >= 0 && score <= 1 ? score : NaN)), durationMs };
}

/** Returns what loads published files, each into a process of its own: whatever a graph does, this process goes on. */
export function createPublishedScorers({ memoryMb, loadMs, runMs }: PublishedLimits): OpenPublished {
  return async (file, { inputs, output }, { features }) => {
    const sandbox = openSandbox(memoryMb);
    try {
      await sandbox.ask({ kind: 'load', file, output }, loadMs);
    } catch (error) {
      sandbox.close();
      throw error;
    }
    return {
      async score(rows) {
        const columns = inputColumns(inputs, features, rows);
        return scoredRows(await sandbox.ask({ kind: 'score', columns }, runMs), rows.length);
      },
      ended: sandbox.ended,
      close: sandbox.close,
    };
  };
}
