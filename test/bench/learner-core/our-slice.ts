/**
 * `our-slice.ts DATA-SET FILE`: reads, parses, hashes, predicts, learns, and prints the rows and their mean log-loss as JSON.
 * One learner of a version, fed as a shard feeds it.
 */
import { openSync } from 'node:fs';
import { VersionLearner } from '../../../services/online-learner/domain/version-learner.ts';
import { DATA_SETS } from './data-set.ts';
import type { DataSetName } from './data-set.ts';
import { textRows } from './text-rows.ts';

/** Where Vowpal Wabbit clips a prediction before its loss: a logit of ±50. */
const PROBABILITY_MIN = Math.exp(-50);

const [name = '', file = ''] = process.argv.slice(2);
const { spec, config } = DATA_SETS[name as DataSetName];
const learner = VersionLearner.cold(spec, 1, config, 0);

function learnAll(): number {
  let lossSum = 0;
  for (const { count, bytes } of textRows(spec, openSync(file, 'r'))) {
    learner.stepRows(bytes, count);
    for (let row = 0; row < count; row++) {
      const score = learner.scoreOf(row);
      const ofLabel = learner.labelOf(row) === 1 ? score : 1 - score;
      lossSum -= Math.log(Math.max(PROBABILITY_MIN, ofLabel));
    }
  }
  return lossSum;
}

const lossSum = learnAll();
const rows = learner.examplesLearned;
const clippedLogLoss = rows > 0 ? learner.metrics.summary().logLoss : 0;
console.log(JSON.stringify({ rows, screened: learner.screened, logLoss: lossSum / rows, clippedLogLoss }));
