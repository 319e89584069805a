import {
  FENCE_COUNT_MIN,
  FENCE_SD,
  MAGNITUDE_MAX,
} from '../../../services/online-learner/domain/screening.ts';
import type { HashedRow } from '../../../shared/domain/row-hasher.ts';
import type { NumericScaler } from './numeric-scaler.ts';

/** Returns the column of the first value of a row that must not be learned, or -1. */
export function columnPastFence(row: HashedRow, scaler: NumericScaler): number {
  for (const [j, column] of scaler.columns.entries()) {
    if (row.present[column] !== 1) continue;
    const value = row.numbers[column] ?? 0;
    if (!(Math.abs(value) <= MAGNITUDE_MAX)) return column;
    if ((scaler.counts[j] ?? 0) < FENCE_COUNT_MIN) continue;
    const deviations = Math.abs((value - (scaler.means[j] ?? 0)) * (scaler.invStds[j] ?? 0));
    if (deviations > FENCE_SD) return column;
  }
  return -1;
}
