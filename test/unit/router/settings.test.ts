import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routerRelations, routerSettings } from '../../../services/router/config.ts';
import { loadConfig } from '../../../shared/config/load-config.ts';

test('the defaults are sound', () => {
  const config = loadConfig(routerSettings, {}, routerRelations);
  assert.equal(config.HTTP_PORT, 8080);
  assert.equal(config.PREDICT_BODY_BYTES, 64 * 1024);
  assert.equal(config.INFER_BODY_BYTES, 1024 * 1024);
});

test('the log’s flush must end before the stop does', () => {
  const environment = { FLUSH_TIMEOUT_MS: '10000', STOP_TIMEOUT_MS: '10000' };
  assert.throws(
    () => loadConfig(routerSettings, environment, routerRelations),
    /FLUSH_TIMEOUT_MS=10000, allowed less than STOP_TIMEOUT_MS/,
  );
});
