import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { infer, openGrpc, shop } from './grpc-world.ts';

const refusalOf = (asking: Promise<unknown>): Promise<ServiceError> =>
  asking.then(
    () => assert.fail('it was answered'),
    (error: unknown) => error as ServiceError,
  );

test('a call that is not let in is UNAVAILABLE and says when to come again; others, and later ones, are answered', async (t) => {
  const grpc = await openGrpc(t);
  const { gate, call } = grpc;
  for (let entered = 0; entered < 4; entered += 1) gate.enter(1);
  const { code, details, metadata } = await refusalOf(infer(grpc, { inputs: [shop] }));
  assert.equal(code, status.UNAVAILABLE);
  assert.match(details, /more requests under way/);
  assert.deepEqual(metadata.get('grpc-retry-pushback-ms'), ['1000']);
  assert.deepEqual(await call('ServerReady'), { ready: true }, 'health is never shed');
  for (let left = 0; left < 4; left += 1) gate.leave(1);
  assert.equal((await infer(grpc, { inputs: [shop] })).model_name, 'clicks');
  assert.deepEqual(gate.figures(), { underWay: 0, limit: 4, shed: 1 });
});

test('whatever becomes of a call that was let in, its place is free again', async (t) => {
  const grpc = await openGrpc(t);
  const { gate, world, call } = grpc;
  assert.equal((await refusalOf(infer(grpc, {}))).code, status.INVALID_ARGUMENT);
  assert.equal(gate.figures().underWay, 0, 'refused');
  const large = { ...shop, contents: { bytes_contents: [Buffer.alloc(100_000), Buffer.from('x')] } };
  assert.equal((await refusalOf(infer(grpc, { inputs: [large] }))).code, status.RESOURCE_EXHAUSTED);
  assert.equal(gate.figures().underWay, 0, 'too large');
  world.scorers.hold();
  const request = { model_name: 'clicks', inputs: [shop] };
  const late = await refusalOf(call('ModelInfer', request, {}, Date.now() + 300));
  assert.equal(late.code, status.DEADLINE_EXCEEDED);
  for (let turns = 0; turns < 10_000 && gate.figures().underWay > 0; turns += 1) await turn();
  assert.equal(gate.figures().underWay, 0, 'its client has gone');
  world.scorers.release();
});
