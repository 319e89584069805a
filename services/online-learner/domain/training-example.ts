import type { FeatureValue } from '../../../shared/domain/model-spec.ts';

/** One labelled example as it comes out of the codec. */
export interface TrainingExample {
  readonly id: string;
  /** Values in the order of the spec's features. */
  readonly row: readonly (FeatureValue | undefined)[];
  /** 0 or 1. */
  readonly label: number;
  /** Importance, 0 or more; usually 1. */
  readonly weight: number;
}
