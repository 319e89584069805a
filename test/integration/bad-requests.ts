import type { ServiceName } from '../../deploy/fleet/fleet.ts';
import { smallEvent, smallSpec } from '../support/small-model.ts';

/** A request that must be refused, and the exact words of the refusal. */
export interface BadRequest {
  readonly name: string;
  readonly service: ServiceName;
  readonly method?: string;
  readonly path: string;
  /** JSON is made of anything but a string or bytes. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  /** The problem's `detail`. */
  readonly detail: string;
}

const MODEL = 'bad-input';
const YEAR_3000_MS = 32_503_680_000_000;
const ndjson = { 'content-type': 'application/x-ndjson' };

function event(name: string, more: object, detail: string): BadRequest {
  return {
    name: `event: ${name}`,
    service: 'ingest',
    path: `/v1/models/${MODEL}/events`,
    body: smallEvent(0, more),
    status: 400,
    detail,
  };
}

function eventBody(
  name: string,
  body: unknown,
  status: number,
  detail: string,
  headers: Record<string, string> = {},
): BadRequest {
  return {
    name: `events: ${name}`,
    service: 'ingest',
    path: `/v1/models/${MODEL}/events`,
    body,
    status,
    detail,
    headers,
  };
}

function label(name: string, body: object, detail: string): BadRequest {
  return {
    name: `label: ${name}`,
    service: 'ingest',
    path: `/v1/models/${MODEL}/labels`,
    body,
    status: 400,
    detail,
  };
}

function predict(name: string, more: object, detail: string): BadRequest {
  const body = { subject: 'someone', features: { colour: 'red' }, ...more };
  return {
    name: `predict: ${name}`,
    service: 'router',
    path: `/v1/models/${MODEL}/predict`,
    body,
    status: 400,
    detail,
  };
}

function spec(name: string, more: object, detail: string): BadRequest {
  return {
    name: `spec: ${name}`,
    service: 'registry',
    path: '/v1/models',
    body: smallSpec('new-model', more),
    status: 422,
    detail,
  };
}

function registry(
  name: string,
  method: string,
  path: string,
  rest: Pick<BadRequest, 'status' | 'detail' | 'body' | 'headers'>,
): BadRequest {
  return { name: `registry: ${name}`, service: 'registry', method, path, ...rest };
}

/** More bad requests than anyone would send, each with its exact answer. */
export const BAD_REQUESTS: readonly BadRequest[] = [
  event('label missing', { label: undefined }, 'label: undefined, allowed 0 or 1'),
  event('label 2', { label: 2 }, 'label: 2, allowed 0 or 1'),
  event('label as text', { label: '1' }, 'label: "1", allowed 0 or 1'),
  event('label null', { label: null }, 'label: null, allowed 0 or 1'),
  event('subject missing', { subject: undefined }, 'subject: undefined is not a string'),
  event('subject empty', { subject: '' }, 'subject: has 0 characters, allowed 1 … 256'),
  event('subject too long', { subject: 'x'.repeat(257) }, 'subject: has 257 characters, allowed 1 … 256'),
  event('subject a number', { subject: 5 }, 'subject: 5 is not a string'),
  event('id too long', { id: 'x'.repeat(129) }, 'id: has 129 characters, allowed 1 … 128'),
  event('id a lone surrogate', { id: '\ud800' }, 'id: is not well-formed Unicode'),
  event('weight negative', { weight: -1 }, 'weight: -1, allowed (0, 1000]'),
  event('weight zero', { weight: 0 }, 'weight: 0, allowed (0, 1000]'),
  event('weight huge', { weight: 1e9 }, 'weight: 1000000000, allowed (0, 1000]'),
  event('weight text', { weight: 'much' }, 'weight: "much", allowed (0, 1000]'),
  event(
    'time negative',
    { eventTimeMs: -1 },
    'eventTimeMs: -1 is not a whole number of milliseconds since the Unix epoch',
  ),
  event(
    'time a fraction',
    { eventTimeMs: 1.5 },
    'eventTimeMs: 1.5 is not a whole number of milliseconds since the Unix epoch',
  ),
  event(
    'time text',
    { eventTimeMs: 'today' },
    'eventTimeMs: "today" is not a whole number of milliseconds since the Unix epoch',
  ),
  event('features missing', { features: undefined }, 'features: undefined is not an object'),
  event('features an array', { features: ['red'] }, 'features: ["red"] is not an object'),
  event('feature unknown', { features: { color: 'red' } }, 'features.color: is not a feature of the model'),
  event(
    'category a fraction',
    { features: { colour: 1.5 } },
    'features.colour: number 1.5, allowed a string or a safe integer',
  ),
  event(
    'category an object',
    { features: { colour: {} } },
    'features.colour: object [object Object], allowed a string or a safe integer',
  ),
  event(
    'category too long',
    { features: { colour: 'x'.repeat(257) } },
    `features.colour: string "${'x'.repeat(32)}"… of 257 characters, allowed a string of at most 256 characters`,
  ),
  event(
    'number as text',
    { features: { size: '12' } },
    'features.size: string "12", allowed a finite number',
  ),
  event('number true', { features: { size: true } }, 'features.size: boolean true, allowed a finite number'),
  event('boolean as number', { features: { isNew: 1 } }, 'features.isNew: number 1, allowed true or false'),
  event(
    'extra field',
    { lable: 1 },
    'lable: is not a field, allowed id, eventTimeMs, subject, features, label, weight',
  ),
  eventBody('empty array', [], 400, 'the body is an empty array'),
  eventBody('a number', '5', 400, '(item): 5 is not an object'),
  eventBody('null', 'null', 400, '(item): null is not an object'),
  eventBody(
    'not JSON',
    '{"label":',
    400,
    "Body is not valid JSON but content-type is set to 'application/json'",
  ),
  eventBody(
    'NaN',
    '{"label":NaN}',
    400,
    "Body is not valid JSON but content-type is set to 'application/json'",
  ),
  eventBody(
    'number too large for JSON',
    `[${JSON.stringify(smallEvent(0)).replace('"size":0', '"size":1e999')}]`,
    400,
    'features.size: number Infinity, allowed a finite number',
  ),
  eventBody(
    'prototype poisoning',
    '{"__proto__":{"x":1}}',
    400,
    "Body is not valid JSON but content-type is set to 'application/json'",
  ),
  eventBody('10 MB', `[${'"x",'.repeat(2_600_000)}"x"]`, 413, 'the body has 10400005 bytes, allowed 8388608'),
  eventBody('XML', '<label>1</label>', 415, 'Unsupported Media Type', { 'content-type': 'application/xml' }),
  eventBody(
    'NDJSON line not JSON',
    'red;1\n',
    400,
    '(item): is not JSON in UTF-8: Unexpected token \'r\', "red;1" is not valid JSON',
    ndjson,
  ),
  eventBody(
    'NDJSON invalid UTF-8',
    Buffer.from([0x22, 0xff, 0xfe, 0x22, 0x0a]),
    400,
    '(item): is not JSON in UTF-8: The encoded data was not valid for encoding utf-8',
    ndjson,
  ),
  eventBody(
    'NDJSON line of 70 kB',
    `"${'x'.repeat(70_000)}"\n`,
    413,
    'line 1 has 70002 bytes, allowed 65536',
    ndjson,
  ),
  eventBody('NDJSON empty', '\n\n', 400, 'the body has no items', ndjson),
  {
    ...eventBody('unknown model', smallEvent(0), 404, 'model nobody does not exist'),
    path: '/v1/models/nobody/events',
  },
  label('no prediction named', { label: 1 }, 'predictionId: is missing; or give subject and id'),
  label('id without subject', { label: 1, id: 'x' }, 'subject: undefined is not a string'),
  label(
    'id not ASCII',
    { label: 1, subject: 's', id: 'ü' },
    'id: "ü" has characters other than printable ASCII',
  ),
  label(
    'prediction id without shard',
    { label: 1, predictionId: 'abc' },
    'predictionId: "abc" is not a prediction id, "<shard>~<id>"',
  ),
  label(
    'prediction id of shard 7',
    { label: 1, predictionId: '7~abc' },
    'predictionId: shard 7, allowed 0 … 0',
  ),
  label('prediction id a number', { label: 1, predictionId: 7 }, 'predictionId: 7 is not a string'),
  label('label 0.5', { label: 0.5, predictionId: '0~a' }, 'label: 0.5, allowed 0 or 1'),
  label(
    'observed never',
    { label: 1, predictionId: '0~a', observedAtMs: null },
    'observedAtMs: null is not a whole number of milliseconds since the Unix epoch',
  ),
  label(
    'source too long',
    { label: 1, predictionId: '0~a', source: 'x'.repeat(65) },
    `source: "${'x'.repeat(56)}…, allowed a string of at most 64 characters`,
  ),
  {
    ...label('unknown model', { label: 1, predictionId: '0~a' }, 'model nobody does not exist'),
    path: '/v1/models/nobody/labels',
    status: 404,
  },
  predict('subject missing', { subject: undefined }, 'subject: undefined is not a string'),
  predict('subject empty', { subject: '' }, 'subject: has 0 characters, allowed 1 … 256'),
  predict('features missing', { features: undefined }, 'features: undefined is not an object'),
  predict('feature unknown', { features: { size_: 1 } }, 'features.size_: is not a feature of the model'),
  predict(
    'number as text',
    { features: { size: 'big' } },
    'features.size: string "big", allowed a finite number',
  ),
  predict('id too long', { id: 'x'.repeat(121) }, 'id: has 121 characters, allowed 1 … 120'),
  predict(
    'extra field',
    { subjekt: 'x' },
    'subjekt: is not a field, allowed subject, features, id, predictedAtMs',
  ),
  {
    ...predict('unknown model', {}, 'model nobody does not exist'),
    path: '/v1/models/nobody/predict',
    status: 404,
  },
  spec(
    'name with capitals',
    { name: 'NewModel' },
    'name: "NewModel" must match pattern "^[a-z][a-z0-9-]{0,62}$"',
  ),
  spec('no features', { features: [] }, 'features: [] must not have fewer than 1 items'),
  spec('two shards', { shards: 2 }, 'shards: 2 must be <= 1'),
  spec(
    'feature twice',
    {
      features: [
        { name: 'a', type: 'numeric' },
        { name: 'a', type: 'boolean' },
      ],
      crosses: [],
    },
    'features.1.name: "a" is declared twice',
  ),
  spec(
    'cross of a number',
    { crosses: [['colour', 'size']] },
    'crosses.0: "size" is numeric, allowed categorical and boolean',
  ),
  spec('cross of nothing', { crosses: [['colour', 'form']] }, 'crosses.0: "form" is not a declared feature'),
  spec('alpha negative', { learner: { alpha: -1 } }, 'learner.alpha: -1 must be > 0'),
  spec(
    'label window beyond retention',
    { label: { windowMs: 30 * 86_400_000 } },
    'label.windowMs: 2592000000 must be <= 518400000',
  ),
  registry('model exists', 'POST', '/v1/models', {
    body: smallSpec(MODEL),
    status: 409,
    detail: `model ${MODEL} exists already`,
  }),
  registry('unknown model', 'GET', '/v1/models/nobody', {
    status: 404,
    detail: 'model nobody does not exist',
  }),
  registry('unknown version', 'GET', `/v1/models/${MODEL}/versions/99`, {
    status: 404,
    detail: `model ${MODEL} has no version 99`,
  }),
  registry('approve unknown version', 'POST', `/v1/models/${MODEL}/versions/99/approve`, {
    status: 404,
    detail: `model ${MODEL} has no version 99`,
  }),
  registry('retire the stable version', 'POST', `/v1/models/${MODEL}/versions/1/retire`, {
    status: 409,
    detail: 'version 1 has traffic; give it to another version first',
  }),
  registry('traffic without If-Match', 'PUT', `/v1/models/${MODEL}/traffic`, {
    body: { stable: 1 },
    status: 428,
    detail: 'If-Match is required: send the ETag of the plan you have seen',
  }),
  registry('traffic with a stale If-Match', 'PUT', `/v1/models/${MODEL}/traffic`, {
    body: { stable: 1 },
    headers: { 'if-match': '"1"' },
    status: 412,
    detail: 'the plan is version PLAN, If-Match names 1',
  }),
  registry('copy of nobody', 'POST', `/v1/models/${MODEL}/versions`, {
    body: { mode: 'copy', parent: 9 },
    status: 404,
    detail: `model ${MODEL} has no version 9 to copy`,
  }),
  { ...event('future', { eventTimeMs: YEAR_3000_MS }, 'FUTURE'), name: 'event: in the year 3000' },
];
