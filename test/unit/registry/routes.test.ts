import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpProblem } from '../../../shared/http/problem.ts';
import { ask, clickSpec, createRegistryWorld, worldWithVersions } from './registry-world.ts';
import { routesOf } from './routes-world.ts';
import type { Answer } from './routes-world.ts';

test('a model is created from JSON or YAML and its place is told', async () => {
  const send = await routesOf(createRegistryWorld());
  const created = await send('POST', '/v1/models', clickSpec, { 'headrace-actor': 'ada' });
  assert.deepEqual([created.status, created.headers['location']], [201, '/v1/models/clicks']);
  assert.equal(created.body['name'], 'clicks');
  const yaml = 'name: from-yaml\nfeatures: [{ name: colour, type: categorical }]\n';
  for (const type of ['application/yaml', 'text/yaml', 'application/x-yaml']) {
    const answer = await send('POST', '/v1/models', yaml, { 'content-type': type });
    assert.equal(answer.status, type === 'application/yaml' ? 201 : 409);
  }
  const history = await send('GET', '/v1/models/clicks/history');
  const [event] = history.body['events'] as { actor: string; body: { spec: { name: string } } }[];
  assert.deepEqual([event?.actor, event?.body.spec.name], ['ada', 'clicks']);
});

test('a history is read from its end in pages', async () => {
  const world = await worldWithVersions(2);
  const send = await routesOf(world);
  const page = async (query: string): Promise<number[]> => {
    const { body } = await send('GET', `/v1/models/clicks/history${query}`);
    return (body['events'] as { sequence: number }[]).map(({ sequence }) => sequence);
  };
  const all = await page('');
  assert.deepEqual(await page('?last=2'), all.slice(-2));
  assert.deepEqual(await page(`?last=2&before=${String(all.at(-2))}`), all.slice(-4, -2));
  assert.deepEqual(await page(`?last=1000&before=${String(all[1])}`), all.slice(0, 1));
  for (const query of ['?last=0', '?last=1001', '?last=x', '?before=-1'])
    assert.equal((await send('GET', `/v1/models/clicks/history${query}`)).status, 400, query);
});

test('a reason in UTF-8 is kept as it was written', async () => {
  const world = await worldWithVersions(1);
  const send = await routesOf(world);
  const reason = Buffer.from('größer → besser', 'utf8').toString('latin1');
  const { status } = await send(
    'POST',
    '/v1/models/clicks/versions',
    { parent: 1 },
    { 'headrace-reason': reason },
  );
  assert.equal(status, 201);
  assert.equal(world.events().at(-1)?.reason, 'größer → besser');
});

test('a faulty spec is answered with every fault', async () => {
  const send = await routesOf(createRegistryWorld());
  const { status, body } = await send('POST', '/v1/models', { name: 'X', features: [], shards: 3 });
  assert.equal(status, 422);
  assert.deepEqual((body['errors'] as { field: string }[]).map(({ field }) => field).sort(), [
    'features',
    'name',
    'shards',
  ]);
});

test('what does not exist is not found', async () => {
  const send = await routesOf(await worldWithVersions(1));
  const version = '/v1/models/clicks/versions/9';
  for (const [method, url] of [
    ['GET', '/v1/models/nobody'],
    ['GET', '/v1/models/nobody/history'],
    ['GET', '/v1/models/nobody/versions'],
    ['GET', '/v1/models/nobody/traffic'],
    ['GET', version],
    ['POST', `${version}/approve`],
    ['POST', `${version}/retire`],
  ] as const) {
    const { status, headers } = await send(method, url);
    assert.deepEqual([url, status], [url, 404]);
    assert.match(String(headers['content-type']), /^application\/problem\+json/);
  }
  assert.equal((await send('POST', '/v1/models/nobody/versions', {})).status, 404);
  assert.equal((await send('PUT', '/v1/models/nobody/traffic', {}, { 'if-match': '"1"' })).status, 404);
  assert.equal((await send('POST', '/v1/models/clicks/versions/01/approve')).status, 400);
});

test('a version is registered, approved and retired', async () => {
  const world = createRegistryWorld();
  const send = await routesOf(world);
  await world.record(ask.create);
  const made = await send('POST', '/v1/models/clicks/versions', { learner: { alpha: 0.7 } });
  assert.deepEqual([made.status, made.headers['location']], [201, '/v1/models/clicks/versions/1']);
  const { mode, startPosition, approved } = made.body;
  assert.deepEqual(
    [mode, startPosition, approved, (made.body['learner'] as { alpha: number }).alpha],
    ['cold', 7, false, 0.7],
  );
  assert.equal((await send('POST', '/v1/models/clicks/versions/1/approve')).body['approved'], true);
  assert.equal((await send('POST', '/v1/models/clicks/versions/1/approve')).status, 200);
  assert.equal((await send('POST', '/v1/models/clicks/versions/1/retire')).body['life'], 'retired');
  const all = await send('GET', '/v1/models/clicks/versions');
  assert.equal((all.body['versions'] as unknown[]).length, 1);
});

test('a registration that cannot be is refused with a reason', async () => {
  const send = await routesOf(await worldWithVersions(1));
  const versions = '/v1/models/clicks/versions';
  assert.equal((await send('POST', versions, { mode: 'warm' })).status, 400);
  assert.equal((await send('POST', versions, { colour: 'red' })).status, 400);
  assert.equal((await send('POST', versions)).status, 400);
  assert.equal((await send('POST', versions, { parent: 5 })).status, 404);
  const { status, body } = await send('POST', versions, { mode: 'cold', learner: { alpha: -1, beta: 'x' } });
  assert.equal(status, 422);
  assert.deepEqual(
    (body['errors'] as { field: string }[]).map(({ field }) => field),
    ['learner.alpha', 'learner.beta'],
  );
});

test('the plan is set by whoever names the one in force, and its ETag is the next one’s condition', async () => {
  const world = await worldWithVersions(2);
  const send = await routesOf(world);
  const seen = await send('GET', '/v1/models/clicks/traffic');
  const etag = String(seen.headers['etag']);
  assert.match(etag, /^"\d+"$/);
  const wanted = { stable: 1, candidate: 2, candidateWeightBp: 100 };
  const set = await send('PUT', '/v1/models/clicks/traffic', wanted, { 'if-match': etag });
  assert.equal(set.status, 200);
  assert.equal(set.headers['etag'], `"${String(world.plan().planVersion)}"`);
  assert.notEqual(set.headers['etag'], etag);
  const lost = await send('PUT', '/v1/models/clicks/traffic', { stable: 2 }, { 'if-match': etag });
  assert.equal(lost.status, 412);
  assert.equal(world.plan().stable, 1);
});

test('targets are set with the plan and shown with it', async () => {
  const world = await worldWithVersions(2);
  const send = await routesOf(world);
  const set = (targets: object[]): ReturnType<typeof send> =>
    send(
      'PUT',
      '/v1/models/clicks/traffic',
      { stable: 1, targets },
      { 'if-match': `"${String(world.plan().planVersion)}"` },
    );
  const targets = [
    { arm: 'candidate', subjects: ['ada', 'bob'] },
    { arm: 'stable', feature: 'colour', values: ['red'] },
  ];
  const answer = await set(targets);
  assert.equal(answer.status, 200);
  assert.deepEqual((answer.body as { targets: object[] }).targets, targets);
  assert.equal((await set([{ arm: 'both', subjects: ['ada'] }])).status, 400);
  assert.equal((await set([{ arm: 'stable', subjects: [] }])).status, 400);
});

test('the plan is not set blindly or by a condition that is no ETag', async () => {
  const world = await worldWithVersions(1);
  const send = await routesOf(world);
  const put = (headers: Record<string, string>): Promise<Answer> =>
    send('PUT', '/v1/models/clicks/traffic', { stable: 1 }, headers);
  assert.equal((await put({})).status, 428);
  for (const etag of ['*', '4', 'W/"4"', '"x"', '"4", "5"'])
    assert.equal((await put({ 'if-match': etag })).status, 400);
  assert.equal(world.plan().stable, null);
});

test('a plan outside the limits, or one that cannot be, is refused with a reason', async () => {
  const world = await worldWithVersions(1);
  const send = await routesOf(world);
  const put = (body: unknown): Promise<Answer> =>
    send('PUT', '/v1/models/clicks/traffic', body, { 'if-match': `"${String(world.plan().planVersion)}"` });
  for (const body of [
    { stable: 0 },
    { stable: '1' },
    { candidateWeightBp: 10_001 },
    { shadows: [1, 2, 3, 4, 5] },
    { salt: '' },
  ]) {
    assert.equal((await put(body)).status, 400, JSON.stringify(body));
  }
  assert.equal((await put({ candidate: 1 })).status, 422);
  assert.equal((await put({ stable: 9 })).status, 404);
});

test('an idempotency key makes a repeated request answer as the first did', async () => {
  const world = await worldWithVersions(1);
  const send = await routesOf(world);
  const key = { 'idempotency-key': 'k-1' };
  const first = await send('POST', '/v1/models/clicks/versions', { mode: 'cold' }, key);
  const again = await send('POST', '/v1/models/clicks/versions', { mode: 'cold' }, key);
  assert.deepEqual([again.status, again.headers['location']], [201, first.headers['location']]);
  assert.equal(world.model().versions.length, 2);
});

test('headers that are too long are refused', async () => {
  const send = await routesOf(await worldWithVersions(1));
  for (const header of ['headrace-actor', 'headrace-reason', 'idempotency-key']) {
    const answer = await send('POST', '/v1/models/clicks/versions/1/approve', undefined, {
      [header]: 'x'.repeat(1025),
    });
    assert.equal(answer.status, 400);
  }
});

test('a registry that does not decide says so and is still read', async () => {
  const world = await worldWithVersions(1);
  const send = await routesOf(world, () =>
    Promise.reject(new HttpProblem(503, 'the leader is http://other:8084', { retryAfterSeconds: 1 })),
  );
  const { status, headers, body } = await send('POST', '/v1/models/clicks/versions', {});
  assert.deepEqual(
    [status, headers['retry-after'], body['detail']],
    [503, '1', 'the leader is http://other:8084'],
  );
  assert.equal((await send('GET', '/v1/models')).status, 200);
});

test('a body above the limit and one of an unknown type are refused', async () => {
  const send = await routesOf(createRegistryWorld());
  assert.equal((await send('POST', '/v1/models', { name: 'x'.repeat(5000) })).status, 413);
  assert.equal(
    (await send('POST', '/v1/models', '<xml/>', { 'content-type': 'application/xml' })).status,
    415,
  );
  assert.equal((await send('POST', '/v1/models', '{', { 'content-type': 'application/json' })).status, 400);
});
