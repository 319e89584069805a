import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { inOrder } from '../../../services/router/http/in-order.ts';
import { linesOf } from '../../../shared/http/ndjson-lines.ts';
import { open, post } from './http-world.ts';
import type { RouterWorld } from './router-world.ts';

const PREDICT = '/v1/models/clicks/predict';
const NDJSON = { 'content-type': 'application/x-ndjson' };

const line = (id: string): string => JSON.stringify({ id, subject: `s-${id}`, features: { shop: 'north' } });

interface Told {
  readonly predictionId?: string;
  readonly line?: number;
  readonly status?: number;
  readonly detail?: string;
}

const told = (text: string): Told[] =>
  text
    .split('\n')
    .filter((one) => one !== '')
    .map((one) => JSON.parse(one) as Told);

test('each line is answered in its place, a bad one by a problem with its number', async (t) => {
  const { app, world } = await open(t);
  const body = [
    line('a'),
    '',
    '{"subject":',
    line('b'),
    JSON.stringify({ subject: 's', features: { shoop: 1 } }),
    JSON.stringify({ subject: 'x'.repeat(2000), features: {} }),
    `${line('c')}\r`,
    '',
  ].join('\n');
  const response = await post(app, PREDICT, Buffer.from(body), NDJSON);
  assert.equal(response.statusCode, 200);
  assert.equal(response.headers['content-type'], 'application/x-ndjson');
  assert.deepEqual(
    told(response.body).map((one) => one.predictionId ?? [one.line, one.status, one.detail]),
    [
      '0~a',
      [3, 400, 'the line is not valid JSON'],
      '0~b',
      [5, 400, 'features.shoop: is not a feature of the model'],
      [6, 413, 'the line has 2028 bytes, allowed 1024'],
      '0~c',
    ],
  );
  assert.deepEqual(
    (await world.logged()).map(({ id }) => id),
    ['0~a', '0~b', '0~c'],
  );
});

test('bytes that are not UTF-8 are one problem, a version that cannot answer one a line', async (t) => {
  const { app, world } = await open(t);
  const bad = Buffer.concat([Buffer.from([0x22, 0xff, 0x22, 0x0a]), Buffer.from(line('a'))]);
  const response = await post(app, PREDICT, bad, NDJSON);
  assert.equal(told(response.body)[0]?.detail, 'the line is not valid UTF-8');
  assert.equal(told(response.body)[1]?.predictionId, '0~a');
  world.setPlan({ stable: 3 });
  const waiting = await post(app, PREDICT, Buffer.from(`${line('b')}\n${line('c')}`), NDJSON);
  assert.deepEqual(
    told(waiting.body).map(({ line: number, status }) => [number, status]),
    [
      [1, 503],
      [2, 503],
    ],
  );
});

test('a request in bulk for no model is refused as a whole; one without lines has no answers', async (t) => {
  const { app } = await open(t);
  const unknown = await post(app, '/v1/models/nothing/predict', Buffer.from(line('a')), NDJSON);
  assert.equal(unknown.statusCode, 404);
  const empty = await post(app, PREDICT, Buffer.from('\n'), NDJSON);
  assert.deepEqual([empty.statusCode, empty.body], [200, '']);
});

test('lines are whole however they are cut, and too long ones are passed over without being kept', async () => {
  const text = `one\n\ntwo\r\n${'x'.repeat(50)}\nend`;
  for (const size of [1, 2, 3, 7, 1000]) {
    async function* cut(): AsyncGenerator<Buffer> {
      for (let at = 0; at < text.length; at += size) {
        await turn();
        yield Buffer.from(text.slice(at, at + size));
      }
    }
    const seen: unknown[] = [];
    for await (const { number, bytes, length } of linesOf(cut(), 10))
      seen.push([number, bytes?.toString() ?? length]);
    assert.deepEqual(
      seen,
      [
        [1, 'one'],
        [3, 'two'],
        [4, 50],
        [5, 'end'],
      ],
      `chunks of ${String(size)}`,
    );
  }
});

test('answers keep the order of their items, and no more are under way than allowed', async () => {
  let [taken, underWay, most] = [0, 0, 0];
  async function* numbers(): AsyncGenerator<number> {
    for (let number = 0; number < 100; number += 1) {
      await turn();
      taken += 1;
      yield number;
    }
  }
  const answers = inOrder(
    numbers(),
    async (number) => {
      underWay += 1;
      most = Math.max(most, underWay);
      for (let turns = 0; turns < (number * 7) % 5; turns += 1) await turn();
      underWay -= 1;
      return `${String(number)},`;
    },
    8,
  );
  const first = await answers.next();
  assert.ok(taken <= 8 + 1, `${String(taken)} items taken for one answer`);
  let text = String(first.value);
  for await (const answer of answers) text += answer;
  assert.deepEqual(text, Array.from({ length: 100 }, (_, number) => `${String(number)},`).join(''));
  assert.ok(most <= 8, `${String(most)} under way`);
});

/** Opens a request in bulk over a socket. */
async function connect(t: TestContext): Promise<{
  world: RouterWorld;
  sent: ClientRequest;
  answer: Promise<IncomingMessage>;
}> {
  const { app, world } = await open(t);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const sent = request({ port, path: PREDICT, method: 'POST', headers: NDJSON });
  sent.on('error', () => undefined);
  t.after(() => sent.destroy());
  return { world, sent, answer: once(sent, 'response').then(([one]) => one as IncomingMessage) };
}

/** How many predictions the router has answered. */
const answered = ({ told: { count } }: RouterWorld): number => count('request predict clicks answered');

/** Returns how many predictions have been answered once the router has nothing more to tell. */
async function atRest(world: RouterWorld): Promise<number> {
  const { all } = world.told;
  let before = -1;
  for (let same = 0; same < 200; same += 1) {
    if (all.length !== before) same = 0;
    before = all.length;
    await turn();
  }
  return answered(world);
}

test('a client that sends on gets its answers meanwhile', async (t) => {
  const { sent, answer } = await connect(t);
  sent.write(`${line('a')}\n`);
  const response = await answer;
  const [chunk] = (await once(response, 'data')) as [Buffer];
  assert.equal(told(chunk.toString())[0]?.predictionId, '0~a');
  sent.end();
  response.resume();
  await once(response, 'end');
});

test('a client that does not read is not answered on for ever: what waits is bounded', async (t) => {
  const { world, sent, answer } = await connect(t);
  const lines = Buffer.from(`${line('x'.repeat(100))}\n`.repeat(1000));
  let written = 0;
  const write = (): void => {
    let isTaken = true;
    while (isTaken && written < 100_000) {
      isTaken = sent.write(lines);
      written += 1000;
    }
  };
  sent.on('drain', write);
  write();
  const response = await answer; // not read
  const stoppedAt = await atRest(world);
  assert.ok(stoppedAt > 0 && stoppedAt < 60_000, `${String(stoppedAt)} lines answered to nobody`);
  assert.ok(written < 100_000, 'the client could write everything');
  let read = 0;
  response.on('data', (chunk: Buffer) => (read += chunk.filter((byte) => byte === 0x0a).length));
  const toldBefore = world.told.all.length;
  while (world.told.all.length === toldBefore) await turn(); // reading lets it go on
  assert.ok(read > 0);
});

test('a client that goes ends the work: lines that have not begun are not scored', async (t) => {
  const { world, sent, answer } = await connect(t);
  answer.catch(() => undefined);
  world.scorers.hold();
  const runs = world.scorers.runs.length;
  sent.write(`${line('same')}\n`.repeat(50));
  while (world.scorers.runs.length === runs) await turn();
  sent.destroy();
  await atRest(world);
  world.scorers.release();
  assert.equal(await atRest(world), 8);
});
