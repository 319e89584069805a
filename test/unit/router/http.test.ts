import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, post } from './http-world.ts';
import { BODY, serve } from './router-world.ts';

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

const PREDICT = '/v1/models/clicks/predict';

test('a prediction is answered with everything it is made of', async (t) => {
  const { app, world } = await open(t);
  const response = await post(app, PREDICT, { ...BODY, id: 'mine' }, { traceparent: TRACE });
  assert.equal(response.statusCode, 200);
  const { score, ...rest } = response.json<Record<string, unknown>>();
  assert.ok(typeof score === 'number' && score > 0.5 && score < 0.6);
  assert.deepEqual(rest, {
    predictionId: '0~mine',
    model: 'clicks',
    version: 1,
    arm: 'stable',
    snapshotPosition: 100,
    learnedToMs: 5000,
    stalenessMs: 1000,
    planVersion: 7,
  });
  await world.settle();
  assert.deepEqual(world.sent[0]?.headers, { traceparent: TRACE });
});

test('a version that has learned nothing yet says so with a null', async (t) => {
  const { app, world } = await open(t);
  await serve(world, 2, 0.2, { learnedToMs: null });
  world.setPlan({ stable: 2 });
  assert.equal((await post(app, PREDICT, BODY)).json<{ learnedToMs: unknown }>().learnedToMs, null);
});

test('a traceparent that is not one is left out', async (t) => {
  const { app, world } = await open(t);
  await post(app, PREDICT, BODY, { traceparent: 'nonsense' });
  await world.settle();
  assert.equal(world.sent[0]?.headers, undefined);
});

test('before the router has begun every answer is 503 with Retry-After, but it lives', async (t) => {
  const { app } = await open(t, false);
  for (const response of [await post(app, PREDICT, BODY), await app.inject('/v2/models/clicks')]) {
    assert.equal(response.statusCode, 503);
    assert.equal(response.headers['retry-after'], '1');
    assert.equal(response.json<{ detail: string }>().detail, 'waiting for model-versions.v1');
  }
  assert.equal((await app.inject('/livez')).statusCode, 200);
  assert.deepEqual((await app.inject('/v2/health/live')).json(), { live: true });
  const ready = await app.inject('/v2/health/ready');
  assert.deepEqual(
    [ready.statusCode, ready.json()],
    [503, { ready: false, waitsFor: ['model-versions.v1'] }],
  );
  assert.equal((await app.inject('/readyz')).statusCode, 503);
});

const BROKEN: readonly {
  readonly name: string;
  readonly body: string | Buffer;
  readonly type?: string;
  readonly status: number;
}[] = [
  { name: 'NaN', body: '{"subject":"a","features":{"amount":NaN}}', status: 400 },
  { name: 'a number beyond float64', body: '{"subject":"a","features":{"amount":1e999}}', status: 400 },
  { name: 'invalid UTF-8', body: Buffer.from('{"subject":"\xff","features":{}}', 'latin1'), status: 400 },
  { name: 'half a body', body: '{"subject":', status: 400 },
  { name: 'an empty body', body: '', status: 400 },
  { name: 'a prototype', body: '{"subject":"a","features":{"__proto__":{}}}', status: 400 },
  { name: 'a lone surrogate', body: '{"subject":"\\ud800","features":{}}', status: 400 },
  { name: 'another media type', body: 'subject=a', type: 'application/x-www-form-urlencoded', status: 415 },
  { name: 'plain text', body: 'a', type: 'text/plain', status: 415 },
];

for (const { name, body, type = 'application/json', status } of BROKEN) {
  test(`${name} is answered ${String(status)} with a problem document`, async (t) => {
    const { app } = await open(t);
    const plain = await post(app, PREDICT, body, { 'content-type': type });
    assert.equal(plain.statusCode, status);
    assert.match(String(plain.headers['content-type']), /^application\/problem\+json/);
    assert.equal(plain.json<{ status: number }>().status, status);
    const oip = await post(app, '/v2/models/clicks/infer', body, { 'content-type': type });
    assert.equal(oip.statusCode, status);
    const problem = oip.json<{ error: string; detail: string }>();
    assert.equal(problem.error, problem.detail);
  });
}

test('a fault is named with field, value and limit', async (t) => {
  const { app } = await open(t);
  const response = await post(app, PREDICT, { ...BODY, features: { amount: 'much' } });
  assert.deepEqual(response.json(), {
    type: 'about:blank',
    title: 'Bad request',
    status: 400,
    detail: 'features.amount: string "much", allowed a finite number',
    errors: [{ field: 'features.amount', message: 'string "much", allowed a finite number' }],
  });
});

test('an unknown model is 404, a version that is not ready 503 with Retry-After', async (t) => {
  const { app, world } = await open(t);
  const unknown = await post(app, '/v1/models/nothing/predict', BODY);
  assert.deepEqual(
    [unknown.statusCode, unknown.json<{ detail: string }>().detail],
    [404, 'model nothing does not exist'],
  );
  world.setPlan({ stable: 2 });
  const waiting = await post(app, PREDICT, BODY);
  assert.deepEqual([waiting.statusCode, waiting.headers['retry-after']], [503, '1']);
  world.setPlan({ stable: null });
  assert.equal((await post(app, PREDICT, BODY)).statusCode, 503);
});

test('a body beyond the limit of its route is 413', async (t) => {
  const { app } = await open(t);
  const long = (bytes: number): object => ({ ...BODY, id: 'x'.repeat(bytes) });
  assert.equal((await post(app, PREDICT, long(65_536))).statusCode, 413);
  assert.equal((await post(app, '/v2/models/clicks/infer', long(65_536))).statusCode, 400);
  assert.equal((await post(app, '/v2/models/clicks/infer', long(1_048_576))).statusCode, 413);
});

test('the open inference protocol tells server, model, version and readiness', async (t) => {
  const { app } = await open(t);
  const get = async (url: string): Promise<[number, unknown]> => {
    const response = await app.inject(url);
    return [response.statusCode, response.json()];
  };
  assert.deepEqual(await get('/v2'), [
    200,
    { name: 'headrace-router', version: '1.2.3', extensions: ['binary_tensor_data'] },
  ]);
  assert.deepEqual(await get('/v2/health/ready'), [200, { ready: true }]);
  const inputs = [
    { name: 'shop', datatype: 'BYTES', shape: [-1] },
    { name: 'isNew', datatype: 'BOOL', shape: [-1] },
    { name: 'amount', datatype: 'FP64', shape: [-1] },
    { name: 'subject', datatype: 'BYTES', shape: [-1] },
  ];
  const outputs = [
    { name: 'score', datatype: 'FP32', shape: [-1] },
    { name: 'version', datatype: 'INT32', shape: [-1] },
    { name: 'arm', datatype: 'BYTES', shape: [-1] },
    { name: 'snapshot_position', datatype: 'INT64', shape: [-1] },
    { name: 'staleness_ms', datatype: 'INT64', shape: [-1] },
    { name: 'prediction_id', datatype: 'BYTES', shape: [-1] },
  ];
  const model = { name: 'clicks', platform: 'onnx_onnxv1', inputs, outputs };
  assert.deepEqual(await get('/v2/models/clicks'), [200, { ...model, versions: ['1', '2', '3'] }]);
  assert.deepEqual(await get('/v2/models/clicks/versions/2'), [200, { ...model, versions: ['2'] }]);
  assert.deepEqual(await get('/v2/models/clicks/ready'), [200, { name: 'clicks', ready: true }]);
  assert.deepEqual(await get('/v2/models/clicks/versions/2/ready'), [
    503,
    { name: 'clicks', ready: false, reason: 'no snapshot yet' },
  ]);
  for (const url of [
    '/v2/models/nothing',
    '/v2/models/clicks/versions/9',
    '/v2/models/clicks/versions/x/ready',
  ]) {
    assert.equal((await get(url))[0], 404, url);
  }
});

test('rows are scored over the open inference protocol, pinned or not', async (t) => {
  const { app, world } = await open(t);
  await serve(world, 2, 0.2);
  const inputs = [{ name: 'shop', shape: [2, 1], datatype: 'BYTES', data: [['north'], ['south']] }];
  const plain = await post(app, '/v2/models/clicks/infer', { id: 'r1', inputs });
  const { outputs, ...rest } = plain.json<{ outputs: { name: string; data: unknown[] }[] }>();
  assert.deepEqual(rest, { model_name: 'clicks', model_version: '1', id: 'r1' });
  assert.deepEqual(
    outputs.map(({ name }) => name),
    ['score', 'version', 'arm', 'snapshot_position', 'staleness_ms'],
  );
  const pinned = await post(app, '/v2/models/clicks/versions/2/infer', { inputs });
  assert.deepEqual(pinned.json<{ outputs: { data: unknown[] }[] }>().outputs[1]?.data, [2, 2]);
  assert.equal((await post(app, '/v2/models/clicks/versions/9/infer', { inputs })).statusCode, 404);
});

test('the OpenAPI description has every route', async (t) => {
  const { app } = await open(t);
  const { paths } = (await app.inject('/openapi.json')).json<{ paths: object }>();
  assert.deepEqual(Object.keys(paths).sort(), [
    '/v1/models/{model}/predict',
    '/v2',
    '/v2/health/live',
    '/v2/health/ready',
    '/v2/models/{model}',
    '/v2/models/{model}/infer',
    '/v2/models/{model}/ready',
    '/v2/models/{model}/versions/{version}',
    '/v2/models/{model}/versions/{version}/infer',
    '/v2/models/{model}/versions/{version}/ready',
  ]);
});
