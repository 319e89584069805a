import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeadraceError } from '../../../shared/errors.ts';
import type { Log } from '../../../shared/observability/log.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { retryWhileRetriable } from '../../../shared/runtime/retry.ts';
import { createStops } from '../../../shared/runtime/run-service.ts';

const away = new HeadraceError('redis is away', { code: 'redis-unavailable', retriable: true });
const broken = new HeadraceError('damaged', { code: 'checkpoint-damaged', retriable: false });
const QUICK = { what: 'saving', log: silentLog, firstPauseMs: 0, maxPauseMs: 0 };

/** Returns an attempt that fails with each error in turn, then succeeds. */
function failing(...errors: Error[]): () => Promise<string> {
  return () => {
    const error = errors.shift();
    return error === undefined ? Promise.resolve('done') : Promise.reject(error);
  };
}

test('what succeeds is returned, what is retriable is tried again', async () => {
  assert.equal(await retryWhileRetriable(failing(), QUICK), 'done');
  assert.equal(await retryWhileRetriable(failing(away, away, away), QUICK), 'done');
});

test('a failure that is not retriable is thrown as it is', async () => {
  const oddities: Error[] = [broken, new TypeError('a bug'), 'text' as never, null as never];
  for (const error of oddities) {
    const attempt = (): Promise<never> => Promise.reject(error);
    await assert.rejects(retryWhileRetriable(attempt, QUICK), (thrown) => thrown === error);
  }
  await assert.rejects(retryWhileRetriable(failing(away, broken), QUICK), broken);
});

test('before every further try the hook is told, and its own failure is ignored', async () => {
  const told: unknown[] = [];
  const onRetry = (error: unknown): never => {
    told.push(error);
    throw new Error('heartbeat failed');
  };
  assert.equal(await retryWhileRetriable(failing(away, away), { ...QUICK, onRetry }), 'done');
  assert.deepEqual(told, [away, away]);
});

test('a signal ends the waiting with the last failure', async () => {
  const controller = new AbortController();
  const options = { what: 'saving', log: silentLog, firstPauseMs: 3_600_000, signal: controller.signal };
  let tries = 0;
  const result = retryWhileRetriable(() => {
    tries += 1;
    setImmediate(() => controller.abort());
    return Promise.reject(away);
  }, options);
  await assert.rejects(result, away);
  assert.ok(tries <= 2);
  await assert.rejects(retryWhileRetriable(failing(away), options), away);
});

test('the log is told at the first failure and then now and again', async () => {
  const lines: object[] = [];
  const log: Log = { ...silentLog, warn: (fields) => lines.push(fields) };
  await retryWhileRetriable(failing(...Array.from({ length: 25 }, () => away)), { ...QUICK, log });
  assert.deepEqual(
    lines,
    [1, 10, 20].map((tries) => ({ tries, reason: 'redis is away' })),
  );
});

test('stopping aborts the signal first and undoes everything in reverse, once', async () => {
  const stops = createStops();
  const done: string[] = [];
  for (const name of ['first', 'second', 'third']) {
    stops.add(async () => {
      assert.ok(stops.signal.aborted);
      await Promise.resolve();
      done.push(name);
    });
  }
  assert.equal(stops.signal.aborted, false);
  await stops.stopAll();
  await stops.stopAll();
  assert.deepEqual(done, ['third', 'second', 'first']);
});

test('a failure to undo one thing keeps none of the others, and the first failure is thrown', async () => {
  const stops = createStops();
  const done: string[] = [];
  stops.add(() => done.push('first'));
  stops.add(() => Promise.reject(new Error('second failed')));
  stops.add(() => {
    throw new Error('third failed');
  });
  await assert.rejects(stops.stopAll(), /third failed/);
  assert.deepEqual(done, ['first']);
});
