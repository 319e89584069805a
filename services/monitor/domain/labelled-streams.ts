import type { RolloutPolicy, ThresholdObjective } from '../../../shared/domain/rollout-policy.ts';
import { BaselinePrecision } from './baseline-precision.ts';
import { BiasSigns } from './bias-signs.ts';
import {
  accuracyDifference,
  lossDifference,
  lossGap,
  precisionDifference,
  recallDifference,
} from './differences.ts';
import type { SoundPair } from './differences.ts';
import type { Pair } from './pair.ts';
import { PairedStream } from './paired-stream.ts';
import { RecentRuns } from './recent-runs.ts';
import type { Stored } from './state-pack.ts';
import { TailStream } from './tail-stream.ts';

type Quality = 'accuracy' | 'precision' | 'recall';

function qualityStream(name: Quality, { marginRate }: ThresholdObjective): PairedStream {
  return new PairedStream({
    name,
    role: 'objective',
    bound: 1,
    rollbackMargin: marginRate,
    promoteMargin: marginRate,
  });
}

/**
 * The streams that need labels: loss and tail, accuracy, precision and recall where the policy asks for them, and
 * calibration. A pair whose candidate failed counts as the worst in every stream that would have looked at it;
 * further ones of the same run, which fail together, count so against promotion only. So does one whose candidate was
 * absent, which the router says of a version that it has not loaded. One without a sound score of the baseline counts nowhere: it cannot help
 * the candidate. Tail must also be shown to be within its margin before a promotion: clipped losses hide rare
 * disasters.
 */
export class LabelledStreams {
  readonly streams: readonly (PairedStream | TailStream)[];
  readonly #policy: RolloutPolicy;
  readonly #loss: PairedStream;
  readonly #tail: TailStream;
  readonly #calibration: PairedStream;
  readonly #qualities: ReadonlyMap<Quality, PairedStream>;
  readonly #signs = new BiasSigns();
  readonly #failedRuns = new RecentRuns();
  readonly #precision = new BaselinePrecision();

  constructor(policy: RolloutPolicy) {
    const { objectives, guards } = policy;
    const { promoteMarginNats, rollbackMarginNats } = objectives.loss;
    this.#policy = policy;
    this.#loss = new PairedStream({
      name: 'loss',
      role: 'objective',
      bound: 1,
      rollbackMargin: rollbackMarginNats,
      promoteMargin: promoteMarginNats,
    });
    this.#tail = new TailStream({
      rate: guards.tailMarginRate,
      rollbackNats: rollbackMarginNats,
      promoteNats: promoteMarginNats,
    });
    this.#calibration = new PairedStream({
      name: 'calibration',
      role: 'guard',
      bound: 2,
      rollbackMargin: guards.calibrationMarginRate,
      promoteMargin: null,
    });
    const qualities = new Map<Quality, PairedStream>();
    for (const name of ['accuracy', 'precision', 'recall'] as const) {
      const objective = objectives[name];
      if (objective !== null) qualities.set(name, qualityStream(name, objective));
    }
    this.#qualities = qualities;
    this.streams = [this.#loss, ...qualities.values(), this.#tail, this.#calibration];
  }

  /** Takes one pair that counts. */
  take({ candidate, baseline, label, failedRun }: Pair): void {
    if (typeof baseline !== 'number') return;
    if (typeof candidate === 'number') this.#takeSound({ candidate, baseline, label });
    else if (candidate === 'failed' && this.#failedRuns.isNew(failedRun)) this.#takeWorst(label);
    else for (const stream of this.streams) stream.takeUnscored();
  }

  /** Parts that are stored, in order. */
  parts(): Record<string, Stored> {
    return {
      ...Object.fromEntries(this.streams.map((stream) => [stream.spec.name, stream])),
      signs: this.#signs,
      baselinePrecision: this.#precision,
      failedRuns: this.#failedRuns,
    };
  }

  #takeSound(pair: SoundPair): void {
    const { accuracy, precision, recall } = this.#policy.objectives;
    this.#loss.take(lossDifference(pair));
    this.#tail.take(lossGap(pair));
    this.#calibration.take(this.#signs.take(pair));
    if (accuracy !== null)
      this.#qualities.get('accuracy')?.take(accuracyDifference(pair, accuracy.thresholdProbability));
    if (recall !== null) {
      const difference = recallDifference(pair, recall.thresholdProbability);
      if (difference !== null) this.#qualities.get('recall')?.take(difference);
    }
    if (precision !== null) {
      const { thresholdProbability: threshold, marginRate: margin } = precision;
      const baselinePrecision = this.#precision.rate;
      const difference = precisionDifference(pair, { threshold, baselinePrecision, margin });
      if (difference !== null) this.#qualities.get('precision')?.take(difference);
      if (pair.baseline >= threshold) this.#precision.take(pair.label);
    }
  }

  #takeWorst(label: number): void {
    for (const stream of this.streams) {
      if (stream.spec.name !== 'recall' || label === 1) stream.take(stream.spec.bound);
    }
  }
}
