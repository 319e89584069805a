import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { keepFollowing } from '../../../services/router/adapters/lasting-follower.ts';
import { silentLog } from '../../../shared/observability/log.ts';

interface Begun {
  readonly onFatal: (error: unknown) => void;
  readonly catchUp: () => void;
  isStopped: boolean;
}

function desk(failures: Error[] = []) {
  const begun: Begun[] = [];
  let caughtUp = 0;
  let announce = Promise.withResolvers<undefined>();
  const follower = keepFollowing({
    what: 'topic',
    log: silentLog,
    pauseMs: 0,
    onCaughtUp: () => {
      caughtUp += 1;
    },
    begin: async (onFatal) => {
      await turn();
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      const promise = Promise.withResolvers<undefined>();
      const one: Begun = {
        onFatal,
        catchUp: () => {
          promise.resolve(undefined);
        },
        isStopped: false,
      };
      begun.push(one);
      announce.resolve(undefined);
      return {
        caughtUp: promise.promise.then(() => undefined),
        stop: () => {
          one.isStopped = true;
          return Promise.resolve();
        },
      };
    },
  });
  return {
    follower,
    begun,
    caughtUp: () => caughtUp,
    /** Resolves when following begins the next time. */
    async nextBegin() {
      await announce.promise;
      announce = Promise.withResolvers();
      await turn();
    },
  };
}

test('a follower that ends for good is begun anew, and the old one is stopped', async () => {
  const { follower, begun, caughtUp, nextBegin } = desk();
  await nextBegin();
  begun[0]?.catchUp();
  await turn();
  begun[0]?.onFatal(new Error('no group'));
  await nextBegin();
  assert.deepEqual(
    begun.map(({ isStopped }) => isStopped),
    [true, false],
  );
  begun[1]?.catchUp();
  await turn();
  assert.equal(caughtUp(), 2);
  await follower.stop();
  assert.deepEqual(
    begun.map(({ isStopped }) => isStopped),
    [true, true],
  );
});

test('a follower that cannot begin is tried again', async () => {
  const { follower, begun, nextBegin } = desk([new Error('away'), new Error('away')]);
  await nextBegin();
  assert.equal(begun.length, 1);
  await follower.stop();
});

test('stopping does not wait for a follower that never begins', async () => {
  const follower = keepFollowing({
    what: 'topic',
    log: silentLog,
    onCaughtUp: () => undefined,
    begin: () => new Promise(() => undefined),
  });
  await follower.stop();
});
