import assert from 'node:assert/strict';
import { test } from 'node:test';
import { learnerState, serveSmallModel, smallEvent, untilLearned } from '../support/small-model.ts';
import { useSystem } from '../support/system.ts';
import { BAD_REQUESTS } from './bad-requests.ts';

const MODEL = 'bad-input';
const system = useSystem({ prepare: (started) => serveSmallModel(started, MODEL) });

test('there are at least 60 bad requests in the table', () => {
  assert.ok(BAD_REQUESTS.length >= 60, String(BAD_REQUESTS.length));
});

for (const { name, service, method = 'POST', path, body, headers, status, detail } of BAD_REQUESTS) {
  test(`${name} is refused with ${String(status)} and its exact reason`, async () => {
    const answer = await system.http.send(method, `${system.url(service)}${path}`, body, headers);
    const problem = answer.body as { status: number; detail: string; title: string };
    const found = problem.detail.replace(/the plan is version \d+/, 'the plan is version PLAN');
    if (detail === 'FUTURE')
      assert.match(found, /^eventTimeMs: 32503680000000 is \d+ ms in the future, allowed 300000$/);
    else assert.equal(found, detail);
    assert.equal(answer.status, status);
    assert.equal(problem.status, status);
    assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
  });
}

test('sound items among bad ones are taken, and each is answered', async () => {
  const items = [smallEvent(0), smallEvent(1, { label: 7 }), smallEvent(2)];
  const { status, body } = await system.http.send(
    'POST',
    `${system.url('ingest')}/v1/models/${MODEL}/events`,
    items,
  );
  const answer = body as {
    accepted: number;
    rejected: number;
    items: { status: string; field?: string; message?: string }[];
  };
  assert.equal(status, 207);
  assert.deepEqual(
    answer.items.map((item) => item.status),
    ['accepted', 'rejected', 'accepted'],
  );
  assert.deepEqual([answer.items[1]?.field, answer.items[1]?.message], ['label', '7, allowed 0 or 1']);
  await untilLearned(system, MODEL, 2);
});

test('after all of it every service is alive and the stream goes on', async () => {
  const before_ = (await learnerState(system, MODEL)).versions[0]?.examplesLearned ?? 0;
  await system.http.send('POST', `${system.url('ingest')}/v1/models/${MODEL}/events`, smallEvent(1000));
  await untilLearned(system, MODEL, before_ + 1);
  for (const one of system.fleet.all) assert.ok(one.isRunning(), `${one.name} has ended`);
});
