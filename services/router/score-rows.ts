import type { Arm } from '../../shared/domain/events.ts';
import type { FeatureValue } from '../../shared/domain/model-spec.ts';
import { openColumns } from './domain/infer-tensors.ts';
import type { InferColumns } from './domain/infer-tensors.ts';
import { traceFirstAnswer } from './first-answer.ts';
import { ValuesRow } from './loaded-version.ts';
import type { Tracing } from './ports.ts';
import { NOT_SCORED } from './version-runs.ts';
import type { AppliedSnapshot, RowScore } from './version-runs.ts';
import type { VersionServers } from './version-servers.ts';

/** Rows about nobody, and who scores them. */
export interface RowsAsk {
  readonly model: string;
  readonly version: number;
  readonly arm: Arm;
  /** At least one. */
  readonly rows: readonly (readonly FeatureValue[])[];
  readonly traceparent: string | undefined;
}

/** Resolves with what the rows scored; undefined when one of them could not be scored. */
export type ScoreRows = (ask: RowsAsk) => Promise<InferColumns | undefined>;

/**
 * Returns how to score rows about nobody: by one version, without another to fall back on, and nothing is logged. So nothing has to
 * be remembered of a row but its score.
 */
export function createRowScoring(deps: {
  readonly versions: VersionServers;
  readonly nowMs: () => number;
  readonly tracing: Tracing;
}): ScoreRows {
  const { versions, nowMs, tracing } = deps;
  return (ask) =>
    new Promise((resolve) => {
      const { model, version, arm, rows, traceparent } = ask;
      const server = versions.of(model, version);
      const columns = openColumns(rows.length);
      let snapshot: AppliedSnapshot | undefined;
      let stalenessMs = 0;
      let isScored = true;
      let left = rows.length;

      function set(at: number, result: RowScore): void {
        if (result.ok) {
          if (result.snapshot !== snapshot) {
            ({ snapshot } = result);
            stalenessMs = Math.max(0, nowMs() - snapshot.publishedAtMs);
          }
          columns.score[at] = result.score;
          columns.version[at] = version;
          columns.arm[at] = arm;
          columns.snapshot_position[at] = snapshot.position;
          columns.staleness_ms[at] = stalenessMs;
        } else isScored = false;
        left -= 1;
        if (left > 0) return;
        if (isScored && snapshot?.takeTrace !== undefined) {
          const { position: snapshotPosition } = snapshot;
          const answer = { model, version, predictionId: '', snapshotPosition, traceparent };
          traceFirstAnswer(tracing, snapshot.takeTrace(), answer);
        }
        resolve(isScored ? columns : undefined);
      }

      rows.forEach((row, at) => {
        if (server === undefined) set(at, NOT_SCORED);
        else
          server.score(new ValuesRow(row), (result) => {
            set(at, result);
          });
      });
    });
}
