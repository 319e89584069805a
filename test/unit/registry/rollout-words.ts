import type { Decision } from '../../../services/registry/domain/decision.ts';
import type { RolloutDriver } from './rollout-driver.ts';

/** Returns a decision in words. */
export function words(decision: Decision): string {
  if (decision.kind === 'refused') return `${decision.refusal.kind}: ${decision.refusal.message}`;
  return decision.kind === 'ignored' ? `ignored: ${decision.reason}` : decision.kind;
}

/** Returns where a rollout stands, and the plan: `phase step: stable candidate weight [shadows]`. */
export function place(driver: RolloutDriver): string {
  const { phase, step } = driver.rollout();
  const { stable, candidate, candidateWeightBp, shadows } = driver.plan();
  return `${phase} ${String(step)}: ${String(stable)} ${String(candidate)} ${String(candidateWeightBp)} [${shadows.join()}]`;
}

/** Climbs from shadow to full by evidence. */
export function toFull(driver: RolloutDriver): void {
  for (let stages = 0; stages < 5; stages += 1) driver.climb();
}
