import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createIdSource } from '../../../services/router/adapters/random-ids.ts';
import { predictionId, PREDICTION_ID_PATTERN } from '../../../shared/domain/prediction-id.ts';

test('ids are all different, also over the end of a draw, and make prediction ids', () => {
  const newId = createIdSource();
  const ids = Array.from({ length: 5000 }, newId);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) {
    assert.equal(id.length, 20);
    assert.match(predictionId(0, id), PREDICTION_ID_PATTERN);
  }
});
