import type { FeatureSpec, FtrlLogisticConfig } from '../../../shared/domain/model-spec.ts';
import type { RowSpec } from '../../../services/online-learner/domain/version-learner.ts';
import { flightsModel } from '../../../deploy/demo/model.ts';
import { SYNTHETIC_CROSSES, SYNTHETIC_FEATURES } from './synthetic-rows.ts';

/** log2 of the number of weights, on every side. */
export const TABLE_BITS = 18;

/** Names of the data sets. */
export const DATA_SET_NAMES = ['flights', 'synthetic'] as const;

export type DataSetName = (typeof DATA_SET_NAMES)[number];

/** One set of rows: what its columns are and how our learner is set for it. */
export interface DataSet {
  readonly spec: RowSpec;
  /**
   * Chosen by hand on the first 600,000 flights and the first 500,000 synthetic rows, which are among the rows measured;
   * `VW_VARIANTS` holds the same rates.
   */
  readonly config: FtrlLogisticConfig;
}

/** The data sets by name. */
export const DATA_SETS: Readonly<Record<DataSetName, DataSet>> = {
  flights: {
    spec: { features: flightsModel.features as readonly FeatureSpec[], crosses: flightsModel.crosses },
    config: { kind: 'ftrl-logistic', tableBits: TABLE_BITS, alpha: 1, beta: 1, l1: 0, l2: 2 },
  },
  synthetic: {
    spec: { features: SYNTHETIC_FEATURES, crosses: SYNTHETIC_CROSSES },
    config: { kind: 'ftrl-logistic', tableBits: TABLE_BITS, alpha: 0.2, beta: 0.1, l1: 0, l2: 2 },
  },
};
