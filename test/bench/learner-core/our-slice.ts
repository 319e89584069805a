/**
 * `our-slice.ts DATA-SET FILE`: reads, parses, hashes, predicts, learns, and prints the rows and their mean log-loss as JSON.
 * One learner of a version, fed as a shard feeds it.
 */
import { readFileSync } from 'node:fs';
import { VersionLearner } from '../../../services/online-learner/domain/version-learner.ts';
import { RowHasher } from '../../../shared/domain/row-hasher.ts';
import { DATA_SETS } from './data-set.ts';
import type { DataSetName } from './data-set.ts';
import { createRowReader } from './row-text.ts';

/** Where Vowpal Wabbit clips a prediction before its loss: a logit of ±50. */
const PROBABILITY_MIN = Math.exp(-50);

const [name = '', file = ''] = process.argv.slice(2);
const { spec, config } = DATA_SETS[name as DataSetName];
const learner = VersionLearner.cold(spec, 1, config, 0);
const hasher = new RowHasher(spec.features, spec.crosses);
const reader = createRowReader(spec, readFileSync(file), hasher);

function learnAll(): number {
  let lossSum = 0;
  for (let label = reader.next(); label >= 0; label = reader.next()) {
    const { score } = learner.stepHashed(hasher.row, label, 1);
    lossSum -= Math.log(Math.max(PROBABILITY_MIN, label === 1 ? score : 1 - score));
  }
  return lossSum;
}

const lossSum = learnAll();
const rows = learner.examplesLearned;
const clippedLogLoss = rows > 0 ? learner.metrics.summary().logLoss : 0;
console.log(JSON.stringify({ rows, screened: learner.screened, logLoss: lossSum / rows, clippedLogLoss }));
