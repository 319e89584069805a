import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits99 } from '../../verify/verdicts/clopper-pearson.ts';

test('exact limits are those of closed forms and tables', () => {
  const { lower99, upper99 } = limits99(0, 100);
  assert.equal(lower99, 0);
  assert.ok(Math.abs(upper99 - (1 - 0.005 ** 0.01)) < 1e-9);
  const all = limits99(100, 100);
  assert.equal(all.upper99, 1);
  assert.ok(Math.abs(all.lower99 - 0.005 ** 0.01) < 1e-9);
  const half = limits99(5, 10); // beta quantiles 0.005 of (5, 6) and 0.995 of (6, 5)
  assert.ok(Math.abs(half.lower99 - 0.1283) < 1e-4 && Math.abs(half.upper99 - 0.8717) < 1e-4);
});
