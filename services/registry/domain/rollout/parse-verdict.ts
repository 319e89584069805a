import type { Verdict } from '../../../../shared/domain/events.ts';
import type { VerdictEvidence, VerdictValue } from '../../../../shared/domain/rollout.ts';
import type { HeardVerdict } from './signals.ts';

const VALUES: readonly VerdictValue[] = ['promote', 'rollback', 'wait'];

/** Returns a record of verdicts.v1 as the machine takes it; undefined when it is none. */
export function parseVerdict(record: Verdict, heardAtMs: number): HeardVerdict | undefined {
  const { rolloutId, step: stage, planVersion, candidate, value } = record;
  if (!VALUES.includes(value)) return undefined;
  let evidence: Partial<VerdictEvidence> | null;
  try {
    evidence = JSON.parse(record.evidence) as Partial<VerdictEvidence> | null;
  } catch {
    return undefined;
  }
  const isWhole =
    evidence?.rolloutId === rolloutId &&
    evidence.stage === stage &&
    typeof evidence.because === 'string' &&
    typeof evidence.examples === 'number' &&
    typeof evidence.stageExamples === 'number';
  if (!isWhole) return undefined;
  const whole: VerdictEvidence = { isLabelledOnly: false, validation: null, ...evidence } as VerdictEvidence;
  return { rolloutId, stage, planVersion, candidate, value, evidence: whole, heardAtMs };
}
