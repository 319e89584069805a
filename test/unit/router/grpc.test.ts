import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { infer, openGrpc, shop, subject } from './grpc-world.ts';
import type { Response } from './grpc-world.ts';
import { serve } from './router-world.ts';

/* The gRPC text of the Open Inference Protocol v2, by the client that its own .proto makes. */

function outputsOf({ outputs }: Response): Record<string, readonly unknown[]> {
  return Object.fromEntries(
    outputs.map(({ name, contents }) => [
      name,
      Object.values(contents ?? {})
        .filter(({ length }) => length > 0)
        .flat()
        .map((one) => (Buffer.isBuffer(one) ? one.toString() : one)),
    ]),
  );
}

test('server and model say whether they live and are ready', async (t) => {
  const { call } = await openGrpc(t);
  assert.deepEqual(await call('ServerLive'), { live: true });
  assert.deepEqual(await call('ServerReady'), { ready: true });
  assert.deepEqual(await call('ModelReady', { name: 'clicks' }), { ready: true });
  assert.deepEqual(await call('ModelReady', { name: 'clicks', version: '2' }), { ready: false });
});

test('a server that has not begun lives, is not ready, and refuses with UNAVAILABLE', async (t) => {
  const { call } = await openGrpc(t, false);
  assert.deepEqual(await call('ServerLive'), { live: true });
  assert.deepEqual(await call('ServerReady'), { ready: false });
  await assert.rejects(call('ModelMetadata', { name: 'clicks' }), {
    code: status.UNAVAILABLE,
    details: 'waiting for traffic.v1',
  });
});

test('server and model describe themselves', async (t) => {
  const { call } = await openGrpc(t);
  assert.deepEqual(await call('ServerMetadata'), {
    name: 'headrace-router',
    version: '1.2.3',
    extensions: [],
  });
  const metadata = (await call('ModelMetadata', { name: 'clicks' })) as Record<string, unknown[]>;
  assert.deepEqual(metadata['versions'], ['1', '2', '3']);
  assert.equal(metadata['platform'], 'onnx_onnxv1');
  assert.deepEqual(metadata['inputs']?.[0], { name: 'shop', datatype: 'BYTES', shape: [-1] });
  assert.equal(metadata['outputs']?.length, 6);
});

test('typed contents are scored, answered typed, and logged as over HTTP', async (t) => {
  const opened = await openGrpc(t);
  const amount = { name: 'amount', datatype: 'FP32', shape: [2, 1], contents: { fp32_contents: [1.5, NaN] } };
  const flag = { name: 'isNew', datatype: 'BOOL', shape: [2], contents: { bool_contents: [true, false] } };
  const answer = await infer(opened, { id: '42', inputs: [shop, subject, amount, flag] });
  assert.deepEqual([answer.model_name, answer.model_version, answer.id], ['clicks', '1', '42']);
  assert.deepEqual(answer.raw_output_contents, []);
  const { score = [], ...rest } = outputsOf(answer);
  assert.ok(score.every((one) => typeof one === 'number' && one > 0.5 && one < 0.6));
  assert.deepEqual(rest, {
    version: [1, 1],
    arm: ['stable', 'stable'],
    snapshot_position: [100, 100],
    staleness_ms: [1000, 1000],
    prediction_id: ['0~id-0', '0~id-1'],
  });
  assert.deepEqual(
    (await opened.world.logged()).map((one) => [one.subject, ...one.features]),
    [
      ['a', 'north', true, 1.5],
      ['b', 'south', false, null],
    ],
  );
});

test('every list of typed contents is read', async (t) => {
  const opened = await openGrpc(t);
  const column = (datatype: string, field: string, values: readonly number[]): object => ({
    inputs: [subject, { name: 'amount', datatype, shape: [2], contents: { [field]: values } }],
  });
  await infer(opened, column('INT8', 'int_contents', [-128, 127]));
  await infer(opened, column('INT64', 'int64_contents', [-5_000_000_000, 1]));
  await infer(opened, column('UINT32', 'uint_contents', [4_000_000_000, 2]));
  await infer(opened, column('UINT64', 'uint64_contents', [5_000_000_000, 3]));
  await infer(opened, column('FP64', 'fp64_contents', [1e300, 4]));
  assert.deepEqual(
    (await opened.world.logged()).map(({ features }) => features[2]),
    [-128, 127, -5_000_000_000, 1, 4_000_000_000, 2, 5_000_000_000, 3, 1e300, 4],
  );
});

test('raw tensors are scored and answered raw', async (t) => {
  const opened = await openGrpc(t);
  const bare = { name: 'amount', datatype: 'FP16', shape: [2] };
  const raw = [
    Buffer.from(new Uint16Array([0x3e00, 0]).buffer),
    Buffer.from([1, 0, 0, 0, 97, 1, 0, 0, 0, 98]),
  ];
  const inputs = [bare, { name: 'subject', datatype: 'BYTES', shape: [2] }];
  const outputs = [{ name: 'score' }, { name: 'version' }, { name: 'arm' }];
  const answer = await infer(opened, { inputs, outputs, raw_input_contents: raw });
  assert.deepEqual(
    answer.outputs.map(({ name, contents }) => [name, contents]),
    [
      ['score', null],
      ['version', null],
      ['arm', null],
    ],
  );
  const [scores, versions, arms] = answer.raw_output_contents;
  assert.ok((scores?.readFloatLE(4) ?? 0) > 0.5);
  assert.deepEqual([versions?.readInt32LE(0), versions?.readInt32LE(4)], [1, 1]);
  assert.equal(arms?.toString('latin1', 4, 10), 'stable');
  assert.deepEqual(
    (await opened.world.logged()).map(({ features }) => features[2]),
    [1.5, 0],
  );
});

test('a request names its version in the message, or version or arm in metadata', async (t) => {
  const opened = await openGrpc(t);
  await serve(opened.world, 2, 0.2);
  opened.world.setPlan({ candidate: 2 });
  const version = async (more: object, headers: Record<string, string> = {}): Promise<string> =>
    (await infer(opened, { inputs: [shop], ...more }, headers)).model_version;
  assert.equal(await version({ model_version: '2' }), '2');
  assert.equal(await version({}, { 'headrace-version': 'candidate' }), '2');
  assert.equal(await version({ model_version: '1' }, { 'headrace-version': '2' }), '1');
});

const inputs = [shop];

test('a call whose deadline has passed ends with DEADLINE_EXCEEDED', async (t) => {
  const { call } = await openGrpc(t);
  await assert.rejects(call('ServerLive', {}, {}, Date.now() - 1), { code: status.DEADLINE_EXCEEDED });
});

test('a mistake of the service is INTERNAL, without its words', async (t) => {
  const opened = await openGrpc(t);
  opened.world.models.clear();
  Object.defineProperty(opened.world.models, 'get', {
    value: () => {
      throw new TypeError('inner words');
    },
  });
  await assert.rejects(infer(opened, { inputs }), {
    code: status.INTERNAL,
    details: 'the service made a mistake; its log says which',
  });
});

test('closing lets a call under way be answered, and refuses the next', async (t) => {
  const opened = await openGrpc(t);
  await opened.call('ServerLive'); // connected
  opened.world.scorers.hold();
  const before = opened.world.scorers.runs.length;
  const underWay = infer(opened, { inputs });
  while (opened.world.scorers.runs.length === before) await turn();
  const closed = opened.server.close();
  opened.world.scorers.release();
  assert.equal((await underWay).model_version, '1');
  await closed;
  await assert.rejects(infer(opened, { inputs }), { code: status.UNAVAILABLE });
});
