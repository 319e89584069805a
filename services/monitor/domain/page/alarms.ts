import type { ModelState } from '../../../../shared/domain/model-directory.ts';
import { isUnderWay } from '../../../../shared/domain/rollout.ts';
import { livingVersions } from '../../../../shared/domain/model-directory.ts';
import type { Alarm } from './messages.ts';

/** Records behind from which somebody should look. */
const LAG_ALARM_RECORDS = 10_000;
/** Freshness from which somebody should look, ms. */
const FRESHNESS_ALARM_MS = 60_000;

/** What alarms are told from. */
export interface AlarmBasis {
  readonly model: ModelState;
  /** Why its shard is stopped here; undefined when it is not. */
  readonly stopped: string | undefined;
  readonly lagRecords: number | null;
  readonly freshnessP99Ms: number | null;
}

/** Returns what somebody should look at, the worst first; none when all is well. */
export function alarmsOf({ model, stopped, lagRecords, freshnessP99Ms }: AlarmBasis): readonly Alarm[] {
  const bad = (text: string): Alarm => ({ tone: 'bad', text });
  const warn = (text: string): Alarm => ({ tone: 'warn', text });
  const alarms: Alarm[] = [];
  if (stopped !== undefined) alarms.push(bad(`not measured: ${stopped}`));
  if (model.plan.stable === null && livingVersions(model).length > 0) alarms.push(bad('no stable version'));
  const { rollout } = model;
  if (rollout !== null) {
    const name = `v${String(rollout.candidate)}`;
    if (isUnderWay(rollout.phase) && rollout.pausedBecause !== null)
      alarms.push(warn(`rollout of ${name} paused: ${rollout.pausedBecause}`));
    if (rollout.phase === 'rolledBack') alarms.push(warn(`${name} rolled back`));
  }
  if (lagRecords !== null && lagRecords > LAG_ALARM_RECORDS)
    alarms.push(warn(`${String(lagRecords)} records behind`));
  if (freshnessP99Ms !== null && freshnessP99Ms > FRESHNESS_ALARM_MS)
    alarms.push(warn(`fresh only within ${String(Math.round(freshnessP99Ms / 1000))} s`));
  return alarms;
}
