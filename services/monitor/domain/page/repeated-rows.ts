import { reportOf } from '../report.ts';
import type { Positions, ShardMonitor } from '../shard-monitor.ts';
import type { RepeatedRow } from './messages.ts';

const ROWS_MAX = 100;

/** Returns what was repeated or defaulted of each model, the most repeated first; at most a hundred. */
export function repeatedRows(
  measured: ReadonlyMap<string, { readonly monitor: ShardMonitor; readonly lag: Positions }>,
): readonly RepeatedRow[] {
  const rows = [...measured].map(([model, { monitor, lag }]): RepeatedRow => {
    const { labels, watermarkMs } = reportOf(model, monitor, lag);
    return { model, ...labels, watermarkMs };
  });
  return rows.sort((a, b) => b.repeated - a.repeated || a.model.localeCompare(b.model)).slice(0, ROWS_MAX);
}
