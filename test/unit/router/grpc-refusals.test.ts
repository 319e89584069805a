import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { infer, openGrpc, shop, subject } from './grpc-world.ts';

/* Errors are told by the status of a call: its code, and words that name field, value and limit. */

const inputs = [shop];
const REFUSED: readonly {
  readonly says: string;
  readonly request: object;
  readonly code: status;
  readonly details: RegExp;
  readonly headers?: Record<string, string>;
}[] = [
  {
    says: 'an unknown model',
    request: { model_name: 'nothing', inputs },
    code: status.NOT_FOUND,
    details: /model nothing does not exist/,
  },
  {
    says: 'an unknown version',
    request: { model_version: '9', inputs },
    code: status.NOT_FOUND,
    details: /has no version 9/,
  },
  {
    says: 'a version that is not ready',
    request: { model_version: '3', inputs },
    code: status.UNAVAILABLE,
    details: /no snapshot yet/,
  },
  {
    says: 'no inputs',
    request: {},
    code: status.INVALID_ARGUMENT,
    details: /inputs: 0 inputs, allowed 1 … 4/,
  },
  {
    says: 'a datatype nobody knows',
    request: { inputs: [{ ...shop, datatype: 'TEXT' }] },
    code: status.INVALID_ARGUMENT,
    details: /"TEXT", allowed BYTES/,
  },
  {
    says: 'fewer elements than the shape says',
    request: { inputs: [{ ...shop, shape: [3] }] },
    code: status.INVALID_ARGUMENT,
    details: /has 2 rows, the shape says 3/,
  },
  {
    says: 'elements in the list of another datatype',
    request: { inputs: [{ ...shop, contents: { int_contents: [1, 2] } }] },
    code: status.INVALID_ARGUMENT,
    details: /int_contents: is filled, BYTES has its elements in bytes_contents/,
  },
  {
    says: 'typed 16-bit floats',
    request: { inputs: [{ name: 'amount', datatype: 'FP16', shape: [1] }] },
    code: status.INVALID_ARGUMENT,
    details: /FP16 has no typed contents/,
  },
  {
    says: 'text that is not UTF-8',
    request: { inputs: [{ ...shop, contents: { bytes_contents: [Buffer.from([255]), Buffer.from('a')] } }] },
    code: status.INVALID_ARGUMENT,
    details: /bytes_contents\[0\]: is not valid UTF-8/,
  },
  {
    says: 'raw beside typed contents',
    request: { inputs, raw_input_contents: [Buffer.alloc(8)] },
    code: status.INVALID_ARGUMENT,
    details: /beside raw_input_contents/,
  },
  {
    says: 'raw tensors for some inputs only',
    request: { inputs: [{ ...shop, contents: null }, subject], raw_input_contents: [Buffer.alloc(8)] },
    code: status.INVALID_ARGUMENT,
    details: /1 tensors, allowed 2/,
  },
  {
    says: 'raw bytes that do not fit',
    request: {
      inputs: [{ name: 'amount', datatype: 'FP64', shape: [2] }],
      raw_input_contents: [Buffer.alloc(8)],
    },
    code: status.INVALID_ARGUMENT,
    details: /8 bytes, 2 elements of FP64 take 16/,
  },
  {
    says: 'metadata that names no version',
    request: { inputs },
    headers: { 'headrace-version': 'new' },
    code: status.INVALID_ARGUMENT,
    details: /headrace-version: "new", allowed/,
  },
  {
    says: 'a message beyond the limit',
    request: { id: 'x'.repeat(70_000), inputs },
    code: status.RESOURCE_EXHAUSTED,
    details: /max/,
  },
];

for (const { says, request, code, details, headers } of REFUSED) {
  test(`${says} is refused with ${status[code]}`, async (t) => {
    const opened = await openGrpc(t);
    await assert.rejects(infer(opened, request, headers), (error: { code: status; details: string }) => {
      assert.equal(status[error.code], status[code], error.details);
      assert.match(error.details, details);
      return true;
    });
  });
}
