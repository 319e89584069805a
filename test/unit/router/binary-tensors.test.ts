import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, post } from './http-world.ts';

/* The binary tensor data extension of the Open Inference Protocol v2, case by case. */

const INFER = '/v2/models/clicks/infer';
const shop = { name: 'shop', shape: [2], datatype: 'BYTES', data: ['north', 'south'] };

/** A body of JSON and bytes after it, and the header that says where they begin. */
function binary(json: object, ...tensors: Uint8Array[]): { body: Buffer; headers: Record<string, string> } {
  const head = Buffer.from(JSON.stringify(json));
  return {
    body: Buffer.concat([head, ...tensors]),
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(head.length),
    },
  };
}

function texts(...values: readonly string[]): Buffer {
  return Buffer.concat(
    values.flatMap((value) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(Buffer.byteLength(value));
      return [length, Buffer.from(value)];
    }),
  );
}

const raw = (name: string, datatype: string, size: number): object => ({
  name,
  datatype,
  shape: [2],
  parameters: { binary_data_size: size },
});

test('tensors after the JSON are taken in the order of the inputs, and mean what JSON would', async (t) => {
  const { app, world } = await open(t);
  const subjects = texts('ann', 'böb');
  const amounts = Buffer.from(new Float32Array([1.5, NaN]).buffer);
  const flags = Buffer.from([1, 0]);
  const { body, headers } = binary(
    {
      inputs: [
        raw('subject', 'BYTES', subjects.length),
        shop,
        raw('amount', 'FP32', amounts.length),
        raw('isNew', 'BOOL', 2),
      ],
    },
    subjects,
    amounts,
    flags,
  );
  const response = await post(app, INFER, body, headers);
  assert.equal(response.statusCode, 200, response.body);
  assert.deepEqual(
    (await world.logged()).map(({ subject, features }) => [subject, ...features]),
    [
      ['ann', 'north', true, 1.5],
      ['böb', 'south', false, null],
    ],
  );
});

test('outputs asked for as binary data come after the JSON', async (t) => {
  const { app } = await open(t);
  const response = await post(app, INFER, {
    parameters: { binary_data_output: true },
    inputs: [shop],
    outputs: [
      { name: 'score' },
      { name: 'version', parameters: { binary_data: false } },
      { name: 'arm' },
      { name: 'snapshot_position' },
    ],
  });
  assert.equal(response.headers['content-type'], 'application/octet-stream');
  const length = Number(response.headers['inference-header-content-length']);
  const { outputs } = JSON.parse(response.rawPayload.subarray(0, length).toString()) as {
    outputs: { name: string; data?: unknown; parameters?: { binary_data_size: number } }[];
  };
  assert.deepEqual(
    outputs.map(({ name, data, parameters }) => [name, data, parameters?.binary_data_size]),
    [
      ['score', undefined, 8],
      ['version', [1, 1], undefined],
      ['arm', undefined, 20],
      ['snapshot_position', undefined, 16],
    ],
  );
  const tail = response.rawPayload.subarray(length);
  assert.ok(tail.readFloatLE(0) > 0.5);
  assert.deepEqual(tail.subarray(8, 28), texts('stable', 'stable'));
  assert.equal(tail.readBigInt64LE(28), 100n);
  assert.equal(tail.length, 44);
});

test('every fixed datatype is read as little-endian elements', async (t) => {
  const { app, world } = await open(t);
  const cases: readonly (readonly [string, ArrayBufferView<ArrayBuffer>, readonly unknown[]])[] = [
    ['UINT8', new Uint8Array([1, 255]), [1, 255]],
    ['UINT16', new Uint16Array([1, 65_535]), [1, 65_535]],
    ['UINT32', new Uint32Array([1, 2 ** 32 - 1]), [1, 2 ** 32 - 1]],
    ['UINT64', new BigUint64Array([1n, 2n ** 53n - 1n]), [1, 2 ** 53 - 1]],
    ['INT8', new Int8Array([-1, 7]), [-1, 7]],
    ['INT16', new Int16Array([-300, 7]), [-300, 7]],
    ['INT32', new Int32Array([-70_000, 7]), [-70_000, 7]],
    ['INT64', new BigInt64Array([-(2n ** 40n), 7n]), [-(2 ** 40), 7]],
    ['FP16', new Uint16Array([0x3e00, 0x7e00]), [1.5, null]],
    ['BF16', new Uint16Array([0x3fc0, 0xbf80]), [1.5, -1]],
    ['FP64', new Float64Array([1e-3, -1e300]), [1e-3, -1e300]],
  ];
  const expected: unknown[] = [];
  for (const [datatype, values, elements] of cases) {
    const bytes = new Uint8Array(values.buffer);
    const subject = { name: 'subject', shape: [2], datatype: 'BYTES', data: ['a', 'b'] };
    const { body, headers } = binary({ inputs: [subject, raw('amount', datatype, bytes.length)] }, bytes);
    const response = await post(app, INFER, body, headers);
    assert.equal(response.statusCode, 200, `${datatype} ${response.body}`);
    expected.push(...elements);
  }
  assert.deepEqual(
    (await world.logged()).map(({ features }) => features[2]),
    expected,
  );
});

const BAD_BINARY: readonly {
  readonly says: string;
  readonly inputs: readonly object[];
  readonly bytes: Uint8Array;
  readonly header?: string;
  readonly error: RegExp;
}[] = [
  {
    says: 'a size that the shape does not have',
    inputs: [raw('amount', 'FP64', 8)],
    bytes: new Uint8Array(8),
    error: /8 bytes, 2 elements of FP64 take 16/,
  },
  {
    says: 'bytes that no input takes',
    inputs: [raw('amount', 'FP64', 16)],
    bytes: new Uint8Array(17),
    error: /1 bytes belong to no input/,
  },
  {
    says: 'more than there is',
    inputs: [raw('amount', 'FP64', 16)],
    bytes: new Uint8Array(9),
    error: /16, allowed 0 … 9 bytes/,
  },
  {
    says: 'a size that is no number',
    inputs: [{ ...shop, data: undefined, parameters: { binary_data_size: 'x' } }],
    bytes: new Uint8Array(),
    error: /"x", allowed 0/,
  },
  {
    says: 'data twice',
    inputs: [{ ...shop, parameters: { binary_data_size: 2 } }],
    bytes: new Uint8Array(2),
    error: /has data as well/,
  },
  {
    says: 'a text longer than what is left',
    inputs: [raw('shop', 'BYTES', 6)],
    bytes: Buffer.from([9, 0, 0, 0, 65, 65]),
    error: /element 0: 2 bytes left, its length says 9/,
  },
  {
    says: 'half a length',
    inputs: [raw('shop', 'BYTES', 7)],
    bytes: Buffer.concat([texts('a'), Buffer.from([1, 0])]),
    error: /element 1: 2 bytes left/,
  },
  {
    says: 'texts after the last',
    inputs: [raw('shop', 'BYTES', 15)],
    bytes: texts('a', 'b', 'c'),
    error: /5 bytes after the last of 2 elements/,
  },
  {
    says: 'a text that is not UTF-8',
    inputs: [raw('shop', 'BYTES', 10)],
    bytes: Buffer.from([1, 0, 0, 0, 255, 1, 0, 0, 0, 65]),
    error: /element 0: not valid UTF-8/,
  },
  {
    says: 'a BOOL of 2',
    inputs: [raw('isNew', 'BOOL', 2)],
    bytes: Buffer.from([2, 0]),
    error: /2 is not BOOL/,
  },
  {
    says: 'an infinity',
    inputs: [raw('amount', 'FP64', 16)],
    bytes: Buffer.from(new Float64Array([1, Infinity]).buffer),
    error: /is not FP64/,
  },
  {
    says: 'a whole number that no double carries',
    inputs: [raw('amount', 'INT64', 16)],
    bytes: Buffer.from(new BigInt64Array([1n, 2n ** 60n]).buffer),
    error: /is not INT64/,
  },
  {
    says: 'a header beyond the body',
    inputs: [shop],
    bytes: new Uint8Array(),
    header: '99999',
    error: /inference-header-content-length: "99999", allowed 1/,
  },
  {
    says: 'a header that is no number',
    inputs: [shop],
    bytes: new Uint8Array(),
    header: '-1',
    error: /inference-header-content-length: "-1", allowed 1/,
  },
];

for (const { says, inputs, bytes, header, error } of BAD_BINARY) {
  test(`binary data refused: ${says}`, async (t) => {
    const { app } = await open(t);
    const { body, headers } = binary({ inputs }, bytes);
    const given = header === undefined ? headers : { ...headers, 'inference-header-content-length': header };
    const response = await post(app, INFER, body, given);
    assert.equal(response.statusCode, 400, response.body);
    assert.match(response.json<{ error: string }>().error, error);
  });
}
