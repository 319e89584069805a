import { reportOf } from './domain/report.ts';
import type { Report } from './domain/report.ts';
import type { Measured } from './service.ts';

/** Returns what tells reports on, of those models alone whose shard or lag has moved since the last time. */
export function createReportChanges(
  onReport: (report: Report) => void,
): (measured: ReadonlyMap<string, Measured>) => void {
  const told = new Map<string, string>();
  return (measured) => {
    for (const [model, { monitor, lag }] of measured) {
      const state = JSON.stringify([monitor.positions, lag]);
      if (told.get(model) === state) continue;
      told.set(model, state);
      onReport(reportOf(model, monitor, lag));
    }
    for (const model of told.keys()) if (!measured.has(model)) told.delete(model);
  };
}
