import type { Rng } from '../../../shared/domain/rng.ts';
import { mutateBytes, mutateJson } from './mutate.ts';

/** One input: what is written to a connection. */
export interface FuzzInput {
  readonly family: FamilyName;
  readonly bytes: Buffer;
  /** Whether it is sound HTTP, so that there must be an answer and the connection may go on. */
  readonly isHttp: boolean;
  /** Whether errors of its path have the field `error`. */
  readonly isOpenInference: boolean;
}

/** The model that inputs are about; it has the features of the small model. */
export const FUZZED_MODEL = 'fuzzed';

const PREDICT = `/v1/models/${FUZZED_MODEL}/predict`;
const INFER = `/v2/models/${FUZZED_MODEL}/infer`;
const ASK = { subject: 'ada', id: 'a-1', features: { colour: 'red', size: 2.5, isNew: true } };
const INPUTS = {
  id: '42',
  parameters: { binary_data_output: false },
  inputs: [
    { name: 'subject', shape: [2], datatype: 'BYTES', data: ['ada', 'bob'] },
    { name: 'colour', shape: [2, 1], datatype: 'BYTES', data: [['red'], ['blue']] },
    { name: 'size', shape: [2], datatype: 'FP32', data: [1.5, null] },
    { name: 'isNew', shape: [2], datatype: 'BOOL', data: [true, false] },
  ],
  outputs: [{ name: 'score' }, { name: 'arm', parameters: { binary_data: true } }],
};
const tensor = (name: string, datatype: string, size: number): object => ({
  name,
  shape: [2],
  datatype,
  parameters: { binary_data_size: size },
});
const BINARY = {
  inputs: [tensor('colour', 'BYTES', 15), tensor('size', 'FP64', 16), tensor('isNew', 'BOOL', 2)],
};
const TENSORS = Buffer.concat([
  Buffer.from([3, 0, 0, 0, 0x72, 0x65, 0x64, 4, 0, 0, 0, 0x62, 0x6c, 0x75, 0x65]),
  Buffer.from(new Float64Array([1.5, 2.5]).buffer),
  Buffer.from([1, 0]),
]);

function request(path: string, type: string, body: Buffer, more: readonly string[] = []): Buffer {
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: router',
    `content-type: ${type}`,
    `content-length: ${String(body.length)}`,
    ...more,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]);
}

/** Requests that are no HTTP, or HTTP at its limits. */
const BROKEN_HTTP: readonly string[] = [
  'GET /livez HTTP/1.1\r\n\r\n',
  'GET /%zz%ff HTTP/1.1\r\nhost: a\r\n\r\n',
  `GET /${'a/'.repeat(4000)} HTTP/1.1\r\nhost: a\r\n\r\n`,
  `GET /v2/models/${'m'.repeat(300)} HTTP/1.1\r\nhost: a\r\n\r\n`,
  `GET /livez HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
  `GET /livez HTTP/1.1\r\n${'a: b\r\n'.repeat(3000)}\r\n`,
  'GET /livez HTTP/9.9\r\nhost: a\r\n\r\n',
  'GET\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n',
  'TRACE /livez HTTP/1.1\r\nhost: a\r\n\r\n',
  `POST ${PREDICT} HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n`,
  `POST ${PREDICT} HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999\r\n\r\n`,
  `POST ${PREDICT} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n`,
  `POST ${PREDICT} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
  `POST ${PREDICT} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
  `POST ${PREDICT} HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}`,
  `POST ${PREDICT} HTTP/1.1\r\nhost: a\r\nexpect: nothing\r\ncontent-length: 0\r\n\r\n`,
  `POST ${PREDICT} HTTP/1.1\r\nhost: a\r\ncontent-type: ;;;\r\ncontent-length: 2\r\n\r\n{}`,
  `POST ${PREDICT} HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\ncontent-length: 0\r\n\r\n`,
];

type Family = (rng: Rng) => Omit<FuzzInput, 'family'>;

/** What an input may be of. Files of models (ONNX) are published: see published-files.ts. */
const FAMILIES = {
  http(rng) {
    const broken = BROKEN_HTTP[rng.int(BROKEN_HTTP.length * 2)];
    const whole = request(PREDICT, 'application/json', Buffer.from(JSON.stringify(ASK)));
    const bytes = broken === undefined ? mutateBytes(whole, rng) : Buffer.from(broken, 'latin1');
    return {
      bytes: rng.next() < 0.3 ? mutateBytes(bytes, rng) : bytes,
      isHttp: false,
      isOpenInference: false,
    };
  },
  json(rng) {
    const bytes = request(PREDICT, 'application/json', mutateJson(ASK, rng));
    return { bytes, isHttp: true, isOpenInference: false };
  },
  bulk(rng) {
    const lines = Array.from({ length: 1 + rng.int(5) }, () => mutateJson(ASK, rng));
    const body = Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));
    return { bytes: request(PREDICT, 'application/x-ndjson', body), isHttp: true, isOpenInference: false };
  },
  inference(rng) {
    const bytes = request(INFER, 'application/json', mutateJson(INPUTS, rng));
    return { bytes, isHttp: true, isOpenInference: true };
  },
  binary(rng) {
    const json = rng.next() < 0.5 ? mutateJson(BINARY, rng) : Buffer.from(JSON.stringify(BINARY));
    const tail = rng.next() < 0.7 ? mutateBytes(TENSORS, rng) : TENSORS;
    const length = rng.next() < 0.8 ? json.length : json.length + rng.int(64) - 32;
    const header = `inference-header-content-length: ${rng.next() < 0.95 ? String(length) : 'many'}`;
    const body = Buffer.concat([json, tail]);
    return {
      bytes: request(INFER, 'application/octet-stream', body, [header]),
      isHttp: true,
      isOpenInference: true,
    };
  },
} satisfies Record<string, Family>;

/** Name of a family of inputs. */
export type FamilyName = keyof typeof FAMILIES;

/** Names of all families. */
export const FAMILY_NAMES = Object.keys(FAMILIES) as readonly FamilyName[];

/** Returns the next input of a seeded stream. */
export function nextInput(rng: Rng): FuzzInput {
  const family = FAMILY_NAMES[rng.int(FAMILY_NAMES.length)] ?? 'json';
  return { family, ...FAMILIES[family](rng) };
}
