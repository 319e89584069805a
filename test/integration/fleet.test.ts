import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFleet } from '../../deploy/fleet/fleet.ts';
import { makeRunDirectory } from '../../deploy/local/data-directory.ts';

test('a service that ends before it was ready is told at once, with the end of its log', async () => {
  const nobody = 'http://127.0.0.1:1';
  await assert.rejects(
    startFleet({
      stack: { kafkaBrokers: '127.0.0.1:1', redisUrl: 'redis://127.0.0.1:1', schemaRegistryUrl: nobody },
      dataDir: makeRunDirectory(),
      instances: { registry: 0, 'online-learner': 0, ingest: 0, monitor: 0 },
      env: { HTTP_PORT: 'eighty' },
    }),
    { code: 'stack-unavailable', retriable: false, message: /^router has ended; .*HTTP_PORT.*eighty/s },
  );
});
