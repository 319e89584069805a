import type { RolloutPolicy } from '../../../shared/domain/rollout-policy.ts';
import type {
  RolloutState,
  StreamEvidence,
  ValidationReport,
  VerdictValue,
} from '../../../shared/domain/rollout.ts';

/** What a verdict is decided on. */
export interface VerdictBasis {
  readonly policy: RolloutPolicy;
  readonly rollout: RolloutState;
  readonly streams: readonly StreamEvidence[];
  /** Rollback margin of each stream that has one. */
  readonly rollbackMargins: ReadonlyMap<string, number>;
  readonly stalenessFault: string | undefined;
  readonly warming: { readonly isWarm: boolean; readonly examples: number };
  readonly examples: number;
  readonly stageExamples: number;
  readonly isLabelledOnly: boolean;
  /** Called only when everything else is there. */
  readonly validation: () => ValidationReport | null;
}

/** A verdict in short. */
export interface Decision {
  readonly value: VerdictValue;
  readonly because: string;
  /** Further labelled examples that a promotion likely needs; null when unknown. */
  readonly examplesNeeded: number | null;
}

const signed = (value: number | null): string =>
  value === null ? 'unknown' : `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;

function rollbackReason({ streams, rollbackMargins, stalenessFault }: VerdictBasis): string | undefined {
  for (const { name, rollback, estimate, lastWindow, count } of streams) {
    if (rollback === null || rollback.maxLogE < rollback.thresholdLogE) continue;
    const margin = String(rollbackMargins.get(name) ?? 'unknown');
    const reached = `log e-value ${rollback.maxLogE.toFixed(2)} reached ${rollback.thresholdLogE.toFixed(2)}`;
    const figures = `mean ${signed(estimate)}, last window ${signed(lastWindow)}, ${String(count)} compared`;
    return `${name} is shown to be above its margin of ${margin}: ${reached}; ${figures}`;
  }
  return stalenessFault;
}

const wait = (because: string, examplesNeeded: number | null): Decision => ({
  value: 'wait',
  because,
  examplesNeeded,
});

/** Returns the stream that has not shown what a promotion needs and is furthest from it; undefined when all have. */
function missingStream(streams: readonly StreamEvidence[]): StreamEvidence | undefined {
  const missing = streams.filter(
    ({ promote }) => promote !== null && promote.maxLogE < promote.thresholdLogE,
  );
  const need = ({ examplesNeeded }: StreamEvidence): number => examplesNeeded ?? Infinity;
  return missing.reduce<StreamEvidence | undefined>(
    (worst, stream) => (worst === undefined || need(stream) > need(worst) ? stream : worst),
    undefined,
  );
}

function decideWarming({ policy, warming }: VerdictBasis): Decision {
  const { isWarm, examples } = warming;
  if (isWarm)
    return { value: 'promote', because: 'the candidate is warm: its loss is flat', examplesNeeded: 0 };
  const missing = policy.warmingExamplesMin - examples;
  if (missing > 0) {
    const of = `${String(examples)} of ${String(policy.warmingExamplesMin)} examples`;
    return wait(`the candidate is warming: ${of}`, missing);
  }
  return wait('the candidate is warming: its loss is still falling', null);
}

/**
 * Returns the verdict on the present stage. Rolling back comes first and needs one stream; promotion needs every
 * stream that has something to show, the stage's minimum of examples, a last window within the rollback margins, and
 * before the first live step a validation report without faults. Whatever is missing, and no data at all, is *wait*.
 */
export function decideVerdict(basis: VerdictBasis): Decision {
  const { policy, rollout, streams, rollbackMargins, stageExamples } = basis;
  const reason = rollbackReason(basis);
  if (reason !== undefined) return { value: 'rollback', because: reason, examplesNeeded: null };
  if (rollout.phase === 'warming' || !basis.warming.isWarm) return decideWarming(basis);
  const isShadow = rollout.phase === 'shadow';
  const stageMin = Math.max(1, isShadow ? policy.shadowExamplesMin : policy.stepExamplesMin);
  const stageMissing = Math.max(0, stageMin - stageExamples);
  const stream = missingStream(streams);
  if (stream !== undefined) {
    const { name, promote, examplesNeeded, lastWindow } = stream;
    const needed = examplesNeeded === null ? null : Math.max(examplesNeeded, stageMissing);
    if (basis.examples === 0) return wait('no labelled example has counted yet', needed);
    const at = `log e-value ${(promote?.logE ?? 0).toFixed(2)} of ${(promote?.thresholdLogE ?? 0).toFixed(2)}`;
    const likely = needed === null ? '' : `, about ${String(needed)} more examples`;
    return wait(
      `${name} is not shown to be within its margin: ${at}, last window ${signed(lastWindow)}${likely}`,
      needed,
    );
  }
  if (stageMissing > 0) {
    return wait(
      `the stage has ${String(stageExamples)} of ${String(stageMin)} matured examples`,
      stageMissing,
    );
  }
  for (const { name, promote, lastWindow } of streams) {
    const margin = rollbackMargins.get(name) ?? Infinity;
    if (promote !== null && lastWindow !== null && lastWindow > margin)
      return wait(`the last window of ${name} is ${signed(lastWindow)}, beyond ${String(margin)}`, null);
  }
  if (basis.isLabelledOnly && !policy.mayPromoteOnLabelledOnly)
    return wait('the evidence is conditional on being labelled, on which the policy does not promote', null);
  const validation = isShadow ? basis.validation() : undefined;
  if (validation === null) return wait('the validation suite has too few examples', null);
  const fault = validation?.faults[0];
  if (fault !== undefined) return wait(`the validation suite does not pass: ${fault}`, null);
  const shown = streams.filter(({ promote }) => promote !== null).map(({ name }) => name);
  const because = `${shown.join(', ')} shown to be within margins; ${String(stageExamples)} matured examples in the stage`;
  return { value: 'promote', because, examplesNeeded: 0 };
}
