import assert from 'node:assert/strict';
import { test } from 'node:test';
import { artefactRecords } from '../../../services/registry/adapters/kafka-artefacts.ts';
import type { Signature } from '../../../services/registry/domain/published-ask.ts';
import { learningVersions } from '../../../shared/domain/model-directory.ts';
import type { PublishedModel } from '../../../shared/domain/published-model.ts';
import { ask, asked, createRegistryWorld, worldWithVersions } from './registry-world.ts';
import type { RegistryWorld } from './registry-world.ts';
import { routesOf } from './routes-world.ts';

const PUBLISHED: PublishedModel = {
  digest: 'd1',
  sizeBytes: 3,
  inputs: [{ name: 'X', type: 'float32', features: ['size'] }],
  output: { name: 'p', column: 1 },
  probe: { row: [null], score: 0.5 },
};
const publish = { kind: 'publish-version', model: 'clicks', published: PUBLISHED, position: 41 } as const;
const BODY = {
  onnx: Buffer.from('abc').toString('base64'),
  signature: { inputs: [{ name: 'X', features: ['size'] }], output: { name: 'p' } },
};

async function refusalOf(
  world: RegistryWorld,
  command: Parameters<RegistryWorld['take']>[0],
): Promise<string> {
  const result = await world.take(command);
  return result.kind === 'refused' ? result.refusal.message : result.kind;
}

test('a published version is live and a shadow as soon as it is in the log, and no learner waits for it', async () => {
  const world = await worldWithVersions(1);
  assert.equal((await world.record(publish)).kind, 'VersionBorn');
  const version = world.model().versions.at(-1);
  assert.deepEqual(
    [version?.version, version?.mode, version?.life, version?.bornPosition, version?.published],
    [2, 'published', 'live', 41, PUBLISHED],
  );
  assert.ok(world.plan().shadows.includes(2));
  assert.deepEqual(
    learningVersions(world.model()).map((one) => one.version),
    [1],
  );
});

test('a published version can be approved and retired, and neither copied nor resumed', async () => {
  const world = await worldWithVersions(1);
  await world.record(publish);
  assert.equal(
    await refusalOf(world, ask.register('copy', 2)),
    'version 2 is a published file and cannot be copied',
  );
  assert.equal(
    await refusalOf(world, { kind: 'resume-version', model: 'clicks', version: 2 }),
    'version 2 is a published file and never learns',
  );
  await world.record(ask.approve(2));
  await world.record(ask.retire(2));
  assert.equal(world.model().versions.at(-1)?.life, 'retired');
});

test('published versions count among the versions that may live at a time', async () => {
  const world = await worldWithVersions(3);
  await world.record(publish);
  assert.equal(
    await refusalOf(world, publish),
    'model clicks has 4 live versions, at most 4; retire one first',
  );
});

test('a file is cut into records of a mebibyte, by its digest', () => {
  const records = artefactRecords('d1', new Uint8Array(2.5 * 1024 * 1024));
  assert.deepEqual(
    records.map(({ key, partition, value }) => {
      const { chunkIndex, chunkCount, bytes } = value as {
        chunkIndex: number;
        chunkCount: number;
        bytes: Uint8Array;
      };
      return [key, partition, chunkIndex, chunkCount, bytes.length];
    }),
    [
      ['d1/0', 0, 0, 3, 1_048_576],
      ['d1/1', 0, 1, 3, 1_048_576],
      ['d1/2', 0, 2, 3, 524_288],
    ],
  );
});

test('the route checks a file, keeps it, and only then records the version', async () => {
  const world = await worldWithVersions(1);
  const done: string[] = [];
  const send = await routesOf(world, undefined, {
    fileBytesMax: 1024,
    check: (spec, { file, signature }) => {
      done.push(
        `checked ${spec.name} ${Buffer.from(file).toString()} column ${String(signature.output.column)}`,
      );
      return Promise.resolve({ ok: true, value: PUBLISHED });
    },
    keep: (digest, file) => {
      done.push(`kept ${digest} ${Buffer.from(file).toString()} of ${String(world.model().versions.length)}`);
      return Promise.resolve();
    },
  });
  const answer = await send('POST', '/v1/models/clicks/versions/published', BODY);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  assert.equal(answer.headers['location'], '/v1/models/clicks/versions/2');
  assert.deepEqual(done, ['checked clicks abc column 1', 'kept d1 abc of 1']);
  const { learner, published, mode } = answer.body;
  assert.deepEqual([learner, published, mode], [undefined, PUBLISHED, 'published'], 'it has no learner');
});

test('what the check finds is told field by field, and nothing is kept or recorded', async () => {
  const world = await worldWithVersions(1);
  const faults = [{ field: 'onnx', message: '10002 nodes, allowed 4096' }];
  const send = await routesOf(world, undefined, {
    fileBytesMax: 1024,
    check: () => Promise.resolve({ ok: false, faults }),
    keep: () => Promise.reject(new Error('kept')),
  });
  const answer = await send('POST', '/v1/models/clicks/versions/published', BODY);
  assert.deepEqual([answer.status, answer.body['errors']], [422, faults]);
  assert.equal(world.model().versions.length, 1);
});

test('a body that is no base64, says too little, or is beyond the limit is refused', async () => {
  const world = createRegistryWorld();
  await world.registry.take(ask.create, asked);
  const send = await routesOf(world);
  const to = (body: object, model = 'clicks'): ReturnType<typeof send> =>
    send('POST', `/v1/models/${model}/versions/published`, body);
  assert.equal((await to(BODY, 'nothing')).status, 404);
  const { onnx: _onnx, ...rest } = BODY;
  assert.match(String((await to(rest)).body['detail']), /onnx/);
  assert.match(String((await to({ ...BODY, onnx: '§§' })).body['detail']), /onnx: "§§"… is not base64/);
  const signature: Omit<Signature, 'output'> = { inputs: [] };
  assert.equal((await to({ ...BODY, signature })).status, 400);
  assert.equal((await to({ ...BODY, onnx: 'A'.repeat(1_000_000) })).status, 413);
});

test('no more files wait for their check than may be held in memory', async () => {
  const world = await worldWithVersions(1);
  const gate = Promise.withResolvers<undefined>();
  const send = await routesOf(world, undefined, {
    fileBytesMax: 1024,
    check: async () => {
      await gate.promise;
      return { ok: false, faults: [] };
    },
    keep: () => Promise.resolve(),
  });
  const under = Array.from({ length: 5 }, () => send('POST', '/v1/models/clicks/versions/published', BODY));
  const first = await Promise.race(under);
  assert.equal(first.status, 503);
  assert.match(String(first.body['detail']), /4 files are being checked, allowed 4 at a time/);
  gate.resolve(undefined);
  assert.deepEqual((await Promise.all(under)).map(({ status }) => status).sort(), [422, 422, 422, 422, 503]);
});
