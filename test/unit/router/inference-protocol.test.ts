import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, post } from './http-world.ts';
import { serve } from './router-world.ts';

/* The HTTP text of the Open Inference Protocol v2 (kserve/open-inference-protocol, inference_rest.md), case by case: a
   request, and what of the answer the text lays down. */

const INFER = '/v2/models/clicks/infer';
const shop = { name: 'shop', shape: [2], datatype: 'BYTES', data: ['north', 'south'] };
const amount = (datatype: string, data: unknown, more: object = {}): object => ({
  inputs: [{ name: 'amount', shape: [2], datatype, data, ...more }],
});

interface Answer {
  readonly id?: string;
  readonly model_name: string;
  readonly model_version: string;
  readonly outputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
    readonly data?: readonly unknown[];
  }[];
}

const TAKEN: readonly { readonly says: string; readonly body: object }[] = [
  {
    says: 'parameters of the request are strings, numbers and booleans',
    body: { parameters: { a: 's', b: 1.5, c: true }, inputs: [shop] },
  },
  {
    says: 'parameters of an input are the same',
    body: { inputs: [{ ...shop, parameters: { content_type: 'str' } }] },
  },
  {
    says: 'parameters of an output are the same',
    body: { inputs: [shop], outputs: [{ name: 'score', parameters: { x: 1 } }] },
  },
  { says: 'tensor elements may be flattened', body: { inputs: [{ ...shop, shape: [2, 1] }] } },
  {
    says: 'tensor elements may be nested as their shape is',
    body: { inputs: [{ ...shop, shape: [2, 1], data: [['north'], ['south']] }] },
  },
  { says: 'BOOL', body: { inputs: [{ name: 'isNew', shape: [2], datatype: 'BOOL', data: [true, false] }] } },
  { says: 'UINT8', body: amount('UINT8', [0, 255]) },
  { says: 'UINT16', body: amount('UINT16', [0, 65_535]) },
  { says: 'UINT32', body: amount('UINT32', [0, 4_294_967_295]) },
  { says: 'UINT64', body: amount('UINT64', [0, Number.MAX_SAFE_INTEGER]) },
  { says: 'INT8', body: amount('INT8', [-128, 127]) },
  { says: 'INT16', body: amount('INT16', [-32_768, 32_767]) },
  { says: 'INT32', body: amount('INT32', [-2_147_483_648, 2_147_483_647]) },
  { says: 'INT64', body: amount('INT64', [-Number.MAX_SAFE_INTEGER, 7]) },
  { says: 'FP16', body: amount('FP16', [0.5, -65_504]) },
  { says: 'FP32', body: amount('FP32', [0.5, 3e38]) },
  { says: 'FP64', body: amount('FP64', [0.5, 1e300]) },
  { says: 'BYTES', body: { inputs: [shop] } },
];

for (const { says, body } of TAKEN) {
  test(`taken: ${says}`, async (t) => {
    const { app } = await open(t);
    const response = await post(app, INFER, body);
    assert.equal(response.statusCode, 200, response.body);
    assert.match(String(response.headers['content-type']), /^application\/json/);
    for (const { shape, data } of response.json<Answer>().outputs) {
      assert.deepEqual(shape, [2]);
      assert.equal(data?.length, 2);
    }
  });
}

const REFUSED: readonly { readonly says: string; readonly body: object; readonly error: RegExp }[] = [
  {
    says: 'parameters that are no object',
    body: { parameters: [], inputs: [shop] },
    error: /^parameters: \[\] is not an object/,
  },
  {
    says: 'a parameter that is an object',
    body: { parameters: { a: {} }, inputs: [shop] },
    error: /^parameters\.a: .*allowed a string, a number or a boolean/,
  },
  {
    says: 'an element beyond its datatype',
    body: amount('UINT8', [0, 256]),
    error: /amount\.data\[1\]: 256 is not UINT8/,
  },
  {
    says: 'a negative element of an unsigned datatype',
    body: amount('UINT32', [0, -1]),
    error: /-1 is not UINT32/,
  },
  {
    says: 'a whole number that JSON cannot carry exactly',
    body: amount('INT64', [0, 2 ** 53]),
    error: /is not INT64/,
  },
  {
    says: 'a nested element where the shape has one dimension',
    body: { inputs: [{ ...shop, data: [['a'], ['b']] }] },
    error: /data\[0\]: is an array, the shape has one dimension/,
  },
  {
    says: 'nested and flat elements mixed',
    body: { inputs: [{ ...shop, shape: [2, 1], data: [['a'], 'b'] }] },
    error: /data\[1\]: "b", allowed an array of one element/,
  },
  {
    says: 'a nested element of two',
    body: { inputs: [{ ...shop, shape: [2, 1], data: [['a', 'b'], ['c']] }] },
    error: /allowed an array of one element/,
  },
  { says: 'a negative shape', body: { inputs: [{ ...shop, shape: [-1] }] }, error: /-1 rows, allowed 1/ },
  {
    says: 'an output asked for twice',
    body: { inputs: [shop], outputs: [{ name: 'score' }, { name: 'score' }] },
    error: /outputs\[1\]\.name: "score", allowed .* each once/,
  },
  {
    says: 'an output that the request cannot have',
    body: { inputs: [shop], outputs: [{ name: 'prediction_id' }] },
    error: /prediction_id is there when the request has the input subject/,
  },
  {
    says: 'an unknown field of an output',
    body: { inputs: [shop], outputs: [{ name: 'score', shape: [1] }] },
    error: /outputs\[0\]\.shape: is not a field/,
  },
  {
    says: 'a size of binary data without any',
    body: amount('FP64', undefined, { parameters: { binary_data_size: 16 } }),
    error: /binary_data_size: 16, allowed 0 … 0 bytes/,
  },
  {
    says: 'a binary_data that is no boolean',
    body: { inputs: [shop], outputs: [{ name: 'score', parameters: { binary_data: 1 } }] },
    error: /binary_data: 1 is not a boolean/,
  },
  {
    says: 'a binary_data_output that is no boolean',
    body: { inputs: [shop], parameters: { binary_data_output: 'yes' } },
    error: /binary_data_output: "yes" is not a boolean/,
  },
];

for (const { says, body, error } of REFUSED) {
  test(`refused with "error": ${says}`, async (t) => {
    const { app } = await open(t);
    const response = await post(app, INFER, body);
    assert.equal(response.statusCode, 400);
    assert.match(response.json<{ error: string }>().error, error);
  });
}

test('the id of a request is returned; without one there is none', async (t) => {
  const { app } = await open(t);
  assert.equal((await post(app, INFER, { id: '42', inputs: [shop] })).json<Answer>().id, '42');
  assert.ok(!('id' in (await post(app, INFER, { inputs: [shop] })).json<Answer>()));
});

test('only the outputs asked for are returned, all without a list and with an empty one', async (t) => {
  const { app } = await open(t);
  const names = async (outputs: object[] | undefined): Promise<string[]> => {
    const response = await post(app, INFER, { inputs: [shop], ...(outputs && { outputs }) });
    return response.json<Answer>().outputs.map(({ name }) => name);
  };
  assert.deepEqual(await names([{ name: 'version' }]), ['version']);
  const all = ['score', 'version', 'arm', 'snapshot_position', 'staleness_ms'];
  assert.deepEqual(await names(undefined), all);
  assert.deepEqual(await names([]), all);
});

test('model_version is the version that scored', async (t) => {
  const { app, world } = await open(t);
  await serve(world, 2, 0.2);
  const version = async (url: string): Promise<string> =>
    (await post(app, url, { inputs: [shop] })).json<Answer>().model_version;
  assert.equal(await version(INFER), '1');
  assert.equal(await version('/v2/models/clicks/versions/2/infer'), '2');
  world.setPlan({ stable: 2 });
  assert.equal(await version(INFER), '2');
});

test('a failed request of any kind is answered with "error"', async (t) => {
  const { app } = await open(t);
  for (const url of [
    '/v2/models/nothing',
    '/v2/models/nothing/ready',
    '/v2/models/clicks/versions/9',
    '/v2/nothing',
  ])
    assert.match((await app.inject(url)).json<{ error: string }>().error, /./, url);
});

test('a body without a media type is taken; an encoded one is refused by name', async (t) => {
  const { app } = await open(t);
  const payload = JSON.stringify({ inputs: [shop] });
  const bare = await app.inject({ method: 'POST', url: INFER, payload: Buffer.from(payload) });
  assert.equal(bare.statusCode, 200, bare.body);
  const encoded = await post(app, INFER, payload, { 'content-encoding': 'gzip' });
  assert.equal(encoded.statusCode, 415);
  assert.equal(encoded.json<{ error: string }>().error, 'content-encoding gzip, allowed identity');
});

test('a header names the version or the arm; the path goes before it', async (t) => {
  const { app, world } = await open(t);
  await serve(world, 2, 0.2);
  world.setPlan({ candidate: 2, candidateWeightBp: 0 });
  const version = async (value: string, url = INFER): Promise<unknown> => {
    const response = await post(app, url, { inputs: [shop] }, { 'headrace-version': value });
    return response.statusCode === 200 ? response.json<Answer>().model_version : response.statusCode;
  };
  assert.equal(await version('2'), '2');
  assert.equal(await version('candidate'), '2');
  assert.equal(await version('stable'), '1');
  assert.equal(await version('2', '/v2/models/clicks/versions/1/infer'), '1');
  assert.equal(await version('9'), 404);
  assert.equal(await version('newest'), 400);
  world.setPlan({ candidate: null });
  assert.equal(await version('candidate'), 404);
});
