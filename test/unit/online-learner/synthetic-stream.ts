import type { FtrlLogisticConfig, ModelSpec } from '../../../shared/domain/model-spec.ts';
import { createRng } from '../../../shared/domain/rng.ts';
import type { RowSpec } from '../../../services/online-learner/domain/version-learner.ts';
import type { TrainingExample } from '../../../services/online-learner/domain/training-example.ts';

export const streamSpec: RowSpec = {
  features: [
    { name: 'shop', type: 'categorical' },
    { name: 'country', type: 'categorical' },
    { name: 'isNew', type: 'boolean' },
    { name: 'amount', type: 'numeric' },
    { name: 'hour', type: 'numeric' },
  ],
  crosses: [['shop', 'isNew']],
};

export const streamConfig: FtrlLogisticConfig = {
  kind: 'ftrl-logistic',
  tableBits: 12,
  alpha: 0.1,
  beta: 1,
  l1: 0.01,
  l2: 0.1,
};

/** A model whose rows and learner are those of the stream. */
export const streamModel: ModelSpec = {
  ...streamSpec,
  name: 'clicks',
  task: 'binary-classification',
  shards: 1,
  label: { windowMs: 1000, onWindowEnd: 'drop', defaultLabel: 0 },
  learner: streamConfig,
  snapshots: { minIntervalMs: 5 },
  predictionLog: 'async',
};

/** Returns `count` seeded examples whose label depends on a shop, a cross and an amount; some values are missing. */
export function syntheticStream(count: number, seed = 1): readonly TrainingExample[] {
  const rng = createRng(seed);
  return Array.from({ length: count }, (_, i) => {
    const shop = rng.int(40);
    const isNew = rng.next() < 0.3;
    const amount = rng.next() * 1000;
    const logit = (shop % 5) - 2.5 + (isNew && shop % 2 === 0 ? 3 : 0) + (amount - 500) / 200;
    return {
      id: `event-${String(seed)}-${String(i)}`,
      row: [
        `shop-${String(shop)}`,
        rng.int(9) === 0 ? null : `c${String(rng.int(20))}`,
        isNew,
        amount,
        rng.int(24),
      ],
      label: rng.next() < 1 / (1 + Math.exp(-logit)) ? 1 : 0,
      weight: rng.int(10) === 0 ? 2 : 1,
    };
  });
}
