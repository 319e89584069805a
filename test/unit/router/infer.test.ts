import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bucketOf } from '../../../shared/domain/assignment.ts';
import type { InferAnswer, InferResult } from '../../../services/router/service.ts';
import { answerOf, createWorld, serve } from './router-world.ts';
import type { RouterWorld } from './router-world.ts';
import { scoreOf, weightsOf } from './snapshot-records.ts';

const score = (bias: number): number => scoreOf(weightsOf(bias), [null, null, null]);
const subjects = Array.from({ length: 50 }, (_, i) => `subject-${String(i)}`);
const forCandidate = subjects.find((subject) => bucketOf('s', subject) < 5000) ?? '';
const forStable = subjects.find((subject) => bucketOf('s', subject) >= 5000) ?? '';

const shop = { name: 'shop', shape: [2], datatype: 'BYTES', data: ['north', 'south'] };
const subject = { name: 'subject', shape: [2], datatype: 'BYTES', data: [forCandidate, forStable] };

function infer(world: RouterWorld, body: unknown, version?: number): Promise<InferResult> {
  const arrivedMs = world.clock.nowMs;
  return world.router.infer({ model: 'clicks', body, wanted: version, arrivedMs, traceparent: undefined });
}

function outputsOf(answer: InferAnswer): Record<string, readonly unknown[]> {
  return Object.fromEntries(answer.outputs.map(({ name, data }) => [name, data]));
}

async function rolloutWorld(): Promise<RouterWorld> {
  const world = createWorld();
  await serve(world, 1, 0.1);
  await serve(world, 2, 0.2);
  world.setPlan({ candidate: 2, candidateWeightBp: 5000 });
  return world;
}

test('rows without a subject are scored by stable and not logged', async () => {
  const world = await rolloutWorld();
  const answer = answerOf(await infer(world, { id: 'mine', inputs: [shop] }));
  assert.deepEqual(answer, {
    model_name: 'clicks',
    model_version: '1',
    id: 'mine',
    outputs: [
      { name: 'score', datatype: 'FP32', shape: [2], data: [score(0.1), score(0.1)] },
      { name: 'version', datatype: 'INT32', shape: [2], data: [1, 1] },
      { name: 'arm', datatype: 'BYTES', shape: [2], data: ['stable', 'stable'] },
      { name: 'snapshot_position', datatype: 'INT64', shape: [2], data: [100, 100] },
      { name: 'staleness_ms', datatype: 'INT64', shape: [2], data: [1000, 1000] },
    ],
  });
  assert.deepEqual(await world.logged(), []);
});

test('rows with a subject are assigned and logged one by one', async () => {
  const world = await rolloutWorld();
  const outputs = outputsOf(answerOf(await infer(world, { inputs: [shop, subject] })));
  assert.deepEqual(outputs, {
    score: [score(0.2), score(0.1)],
    version: [2, 1],
    arm: ['candidate', 'stable'],
    snapshot_position: [100, 100],
    staleness_ms: [1000, 1000],
    prediction_id: ['0~id-0', '0~id-1'],
  });
  const logged = await world.logged();
  assert.deepEqual(
    logged.map((one) => [
      one.subject,
      one.assignedArm,
      one.servedVersion,
      one.assignmentProbability,
      one.features[0],
    ]),
    [
      [forCandidate, 'candidate', 2, 0.5, 'north'],
      [forStable, 'stable', 1, 0.5, 'south'],
    ],
  );
});

test('a request that names its version is served by it with probability 1', async () => {
  const world = await rolloutWorld();
  const answer = answerOf(await infer(world, { inputs: [shop, subject] }, 2));
  assert.equal(answer.model_version, '2');
  assert.deepEqual(outputsOf(answer)['version'], [2, 2]);
  assert.deepEqual(
    (await world.logged()).map((one) => [one.assignmentProbability, one.planVersion]),
    [
      [1, 0],
      [1, 0],
    ],
  );
});

test('a pinned version that fails is not replaced by another', async () => {
  const world = await rolloutWorld();
  world.scorers.meddle((scores) => scores.map(() => NaN));
  assert.deepEqual(await infer(world, { inputs: [shop] }, 2), {
    kind: 'unavailable',
    reason: 'version 2 of clicks cannot answer: it failed to score',
  });
  assert.deepEqual(await infer(world, { inputs: [shop] }, 3), {
    kind: 'unavailable',
    reason: 'version 3 of clicks cannot answer: no snapshot yet',
  });
});

test('a model or version that does not exist is not found', async () => {
  const world = await rolloutWorld();
  assert.deepEqual(await infer(world, { inputs: [shop] }, 9), {
    kind: 'not-found',
    reason: 'model clicks has no version 9',
  });
  const nothing = { model: 'nothing', body: {}, arrivedMs: 0, traceparent: undefined };
  const result = await world.router.infer(nothing);
  assert.equal(result.kind, 'not-found');
});

test('all rows of a request are scored in one run', async () => {
  const world = await rolloutWorld();
  const before = world.scorers.runs.length;
  await infer(world, { inputs: [shop] });
  assert.deepEqual(world.scorers.runs.slice(before), [2]);
});

test('columns may be nested, of any fitting type, with nulls for what is missing; outputs may be chosen', async () => {
  const world = await rolloutWorld();
  const columns = [
    { name: 'shop', shape: [3, 1], datatype: 'INT64', data: [[7], [8], [null]] },
    { name: 'amount', shape: [3], datatype: 'INT32', data: [1, 2, null] },
    { name: 'isNew', shape: [3], datatype: 'BOOL', data: [true, null, false] },
    { name: 'subject', shape: [3, 1], datatype: 'BYTES', data: [['a'], ['b'], ['c']] },
  ];
  const outputs = outputsOf(
    answerOf(await infer(world, { inputs: columns, outputs: [{ name: 'prediction_id' }], parameters: {} })),
  );
  assert.deepEqual(Object.keys(outputs), ['prediction_id']);
  const features = (await world.logged()).map((one) => one.features);
  assert.deepEqual(features, [
    [7, true, 1],
    [8, null, 2],
    [null, false, null],
  ]);
});

test('in a model with a feature named subject the column is the feature', async () => {
  const world = createWorld({
    spec: {
      features: [
        { name: 'subject', type: 'categorical' },
        { name: 'amount', type: 'numeric' },
      ],
    },
  });
  await serve(world, 1, 0.1, { goldenRows: [[null, null]], goldenScores: [score(0.1)] });
  const answer = answerOf(await infer(world, { inputs: [subject] }));
  assert.ok(!Object.keys(outputsOf(answer)).includes('prediction_id'));
  assert.deepEqual(await world.logged(), []);
});

const FAULTS: readonly {
  readonly name: string;
  readonly body: unknown;
  readonly field: string;
  readonly says: RegExp;
}[] = [
  { name: 'no object', body: 'x', field: '(body)', says: /is not an object/ },
  {
    name: 'an unknown field',
    body: { inputs: [shop], batch: 1 },
    field: 'batch',
    says: /allowed id, parameters, inputs, outputs/,
  },
  {
    name: 'an id that is no string',
    body: { id: 1, inputs: [shop] },
    field: 'id',
    says: /1 is not a string/,
  },
  { name: 'no inputs', body: {}, field: 'inputs', says: /undefined, allowed 1 … 4 inputs/ },
  { name: 'empty inputs', body: { inputs: [] }, field: 'inputs', says: /0 inputs, allowed 1 … 4/ },
  {
    name: 'an input that is no object',
    body: { inputs: [1] },
    field: 'inputs[0]',
    says: /1 is not an object/,
  },
  {
    name: 'an unknown column',
    body: { inputs: [{ ...shop, name: 'shoop' }] },
    field: 'inputs[0].name',
    says: /"shoop" is not a feature/,
  },
  {
    name: 'a column twice',
    body: { inputs: [shop, shop] },
    field: 'inputs[1].name',
    says: /"shop" comes twice/,
  },
  {
    name: 'a datatype nobody knows',
    body: { inputs: [{ ...shop, datatype: 'FP8' }] },
    field: 'inputs[0].datatype',
    says: /"FP8", allowed BYTES/,
  },
  {
    name: 'a datatype that does not fit',
    body: { inputs: [{ ...shop, datatype: 'BOOL', data: [true, true] }] },
    field: 'inputs.shop.datatype',
    says: /BOOL, allowed BYTES, INT64, .* for a categorical/,
  },
  {
    name: 'no shape',
    body: { inputs: [{ ...shop, shape: undefined }] },
    field: 'inputs[0].shape',
    says: /undefined, allowed \[N\] or \[N, 1\]/,
  },
  {
    name: 'a wide shape',
    body: { inputs: [{ ...shop, shape: [1, 2] }] },
    field: 'inputs[0].shape',
    says: /allowed \[N\] or \[N, 1\]/,
  },
  {
    name: 'too many rows',
    body: { inputs: [{ ...shop, shape: [9] }] },
    field: 'inputs[0].shape',
    says: /9 rows, allowed 1 … 8/,
  },
  {
    name: 'no rows',
    body: { inputs: [{ ...shop, shape: [0], data: [] }] },
    field: 'inputs[0].shape',
    says: /0 rows, allowed 1 … 8/,
  },
  {
    name: 'data that is no array',
    body: { inputs: [{ ...shop, data: 'x' }] },
    field: 'inputs[0].data',
    says: /"x" is not an array/,
  },
  {
    name: 'data of another length',
    body: { inputs: [{ ...shop, data: ['a'] }] },
    field: 'inputs[0].data',
    says: /has 1 rows, the shape says 2/,
  },
  {
    name: 'columns of different lengths',
    body: { inputs: [shop, { ...subject, shape: [1], data: ['a'] }] },
    field: 'inputs[1].shape',
    says: /1 rows, the inputs before have 2/,
  },
  {
    name: 'an element of another type',
    body: { inputs: [{ ...shop, data: ['a', 7] }] },
    field: 'inputs.shop.data[1]',
    says: /7 is not BYTES/,
  },
  {
    name: 'text too long',
    body: { inputs: [{ ...shop, data: ['a', 'x'.repeat(257)] }] },
    field: 'inputs.shop.data[1]',
    says: /at most 256 characters/,
  },
  {
    name: 'a subject missing',
    body: { inputs: [shop, { ...subject, data: ['a', null] }] },
    field: 'inputs.subject.data[1]',
    says: /null is not a string/,
  },
  {
    name: 'subjects that are no text',
    body: { inputs: [{ ...subject, datatype: 'INT64', data: [1, 2] }] },
    field: 'inputs.subject.datatype',
    says: /INT64, allowed BYTES/,
  },
  {
    name: 'an unknown output',
    body: { inputs: [shop], outputs: [{ name: 'logit' }] },
    field: 'outputs[0].name',
    says: /allowed score, version, arm/,
  },
  {
    name: 'a number beyond float32',
    body: { inputs: [{ name: 'amount', shape: [1], datatype: 'FP32', data: [1e300] }] },
    field: 'inputs.amount.data[0]',
    says: /is not FP32/,
  },
];

for (const { name, body, field, says } of FAULTS) {
  test(`a request with ${name} is refused, naming ${field}`, async () => {
    const result = await infer(createWorld(), body);
    assert.ok(result.kind === 'invalid');
    assert.equal(result.fault.field, field);
    assert.match(result.fault.message, says);
  });
}
