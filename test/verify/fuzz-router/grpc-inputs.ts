import { join } from 'node:path';
import { loadSync } from '@grpc/proto-loader';
import type { Rng } from '../../../shared/domain/rng.ts';
import { FUZZED_MODEL } from './inputs.ts';
import { mutateBytes } from './mutate.ts';

/** One call: the headers and bytes of a stream, or bytes for a connection of their own. */
export type GrpcInput =
  | {
      readonly family: 'shapes' | 'messages' | 'framing' | 'headers';
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Buffer;
    }
  | { readonly family: 'frames'; readonly bytes: Buffer };

/** Name of a family of calls. */
export type GrpcFamilyName = GrpcInput['family'];

/** Names of all families. */
export const GRPC_FAMILY_NAMES: readonly GrpcFamilyName[] = [
  'shapes',
  'messages',
  'framing',
  'headers',
  'frames',
];

const PROTO = join(import.meta.dirname, '../../../services/router/grpc/open_inference_grpc.proto');
const SERVICE = 'inference.GRPCInferenceService';
const INFER = `/${SERVICE}/ModelInfer`;
const HEADERS = { ':method': 'POST', ':path': INFER, 'content-type': 'application/grpc', te: 'trailers' };
const PREFIX_BYTES = 5;

type Serialize = (message: object) => Buffer;

const serializeInfer = ((): Serialize => {
  const service = loadSync(PROTO, { keepCase: true, longs: Number })[SERVICE];
  const call = (service as unknown as Record<string, { readonly requestSerialize: Serialize }>)['ModelInfer'];
  if (call === undefined) throw new TypeError(`${SERVICE} has no ModelInfer`);
  return call.requestSerialize;
})();

const pick = <T>(rng: Rng, from: readonly [T, ...T[]]): T => from[rng.int(from.length)] ?? from[0];

const DATATYPES = ['BYTES', 'FP32', 'FP64', 'INT64', 'UINT8', 'BOOL', 'FP16', 'TEXT', ''] as const;
const SIZES = [2, 1, 0, -1, 3, 1025, 2 ** 31, Number.MAX_SAFE_INTEGER] as const;
const NAMES = ['size', 'colour', 'isNew', 'subject', '', 'nobody', '__proto__', 'x'.repeat(300)] as const;
const CONTENTS = [
  {},
  { fp64_contents: [1, NaN] },
  { fp32_contents: [Infinity] },
  { bytes_contents: [Buffer.from('red'), Buffer.from([0xff, 0xfe])] },
  { bool_contents: [true, false] },
  { int64_contents: [1, 2 ** 60] },
  { int_contents: [1], fp64_contents: [1, 2] },
] as const;

/** Returns a tensor that fits the model, or in which something does not. */
function tensor(rng: Rng): object {
  const isOdd = rng.next() < 0.7;
  if (!isOdd) return { name: 'size', datatype: 'FP64', shape: [2], contents: { fp64_contents: [1.5, 2] } };
  const shape = Array.from({ length: rng.int(4) }, () => pick(rng, SIZES));
  return { name: pick(rng, NAMES), datatype: pick(rng, DATATYPES), shape, contents: pick(rng, CONTENTS) };
}

function message(rng: Rng): Buffer {
  const inputs = Array.from({ length: rng.int(4) }, () => tensor(rng));
  const raw = rng.next() < 0.3 ? inputs.slice(rng.int(2)).map(() => Buffer.alloc(rng.int(20), 1)) : [];
  return serializeInfer({
    model_name: rng.next() < 0.9 ? FUZZED_MODEL : 'nothing',
    model_version: rng.next() < 0.8 ? '' : String(rng.int(1000) - 1),
    id: rng.next() < 0.5 ? '' : 'x'.repeat(rng.int(400)),
    inputs,
    outputs: rng.next() < 0.7 ? [] : [{ name: pick(rng, ['score', 'arm', 'nothing', '']) }],
    raw_input_contents: raw,
  });
}

/** Returns bytes as a message of gRPC: not compressed, and their length. */
function framed(bytes: Buffer): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

/** Returns a prefix that lies: about the length, or that the message is compressed. */
function badlyFramed(bytes: Buffer, rng: Rng): Buffer {
  const whole = framed(bytes);
  switch (rng.int(5)) {
    case 0:
      whole.writeUInt32BE(rng.int(2 ** 31), 1);
      return whole;
    case 1:
      whole[0] = rng.int(256);
      return whole;
    case 2:
      return Buffer.concat([whole, whole]);
    case 3:
      return whole.subarray(0, rng.int(whole.length + 1));
    default:
      return mutateBytes(whole, rng);
  }
}

const ODD_HEADERS: readonly [Record<string, string>, ...Record<string, string>[]] = [
  { 'content-type': 'application/json' },
  { 'content-type': 'application/grpc+json' },
  { 'content-type': '' },
  { ':path': '/' },
  { ':path': `/${SERVICE}/Nothing` },
  { ':path': `/${'a/'.repeat(500)}` },
  { ':method': 'GET' },
  { 'grpc-timeout': '0n' },
  { 'grpc-timeout': '99999999999H' },
  { 'grpc-timeout': 'soon' },
  { 'grpc-encoding': 'gzip' },
  { 'grpc-encoding': 'nothing' },
  { 'headrace-version': 'stale' },
  { 'headrace-version': '999999999999' },
  { traceparent: '00-zz' },
  { 'odd-bin': '!!!' },
];

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Returns a frame of HTTP/2 with whatever is in it. */
function frame(rng: Rng): Buffer {
  const payload = Buffer.from(Array.from({ length: rng.int(40) }, () => rng.int(256)));
  const head = Buffer.alloc(9);
  head.writeUIntBE(rng.next() < 0.8 ? payload.length : rng.int(2 ** 24), 0, 3);
  head[3] = rng.int(12);
  head[4] = rng.int(256);
  head.writeUInt32BE(rng.next() < 0.5 ? rng.int(4) : rng.int(2 ** 31), 5);
  return Buffer.concat([head, payload]);
}

/** Returns the next call of a seeded stream. */
export function nextGrpcInput(rng: Rng): GrpcInput {
  const family = GRPC_FAMILY_NAMES[rng.int(GRPC_FAMILY_NAMES.length)] ?? 'shapes';
  switch (family) {
    case 'shapes':
      return { family, headers: HEADERS, body: framed(message(rng)) };
    case 'messages':
      return { family, headers: HEADERS, body: framed(mutateBytes(message(rng), rng)) };
    case 'framing':
      return { family, headers: HEADERS, body: badlyFramed(message(rng), rng) };
    case 'headers':
      return { family, headers: { ...HEADERS, ...pick(rng, ODD_HEADERS) }, body: framed(message(rng)) };
    case 'frames': {
      const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
      const frames = Array.from({ length: 1 + rng.int(5) }, () => frame(rng));
      const whole = Buffer.concat([PREFACE, settings, ...frames]);
      return { family, bytes: rng.next() < 0.2 ? mutateBytes(whole, rng) : whole };
    }
  }
}
