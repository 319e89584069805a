import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BODY } from './router-world.ts';
import { ids, LIMIT, named, open, requestOf, rest, untilUnderWay } from './wire-world.ts';

test('a plain request is answered without Node, again and again on one connection, with the fields that Node sends', async (t) => {
  const short = await open(t);
  const long = await open(t, { isShort: false });
  const [wire, otherWire] = [await short.dial(), await long.dial()];
  for (let k = 1; k <= 3; k++) {
    for (const { socket } of [wire, otherWire]) socket.write(requestOf(named(`r${String(k)}`)));
    await Promise.all([wire.answers(k), otherWire.answers(k)]);
  }
  assert.deepEqual(wire.told, otherWire.told);
  assert.deepEqual(ids(wire.told), ['0~r1', '0~r2', '0~r3']);
  assert.deepEqual([short.byNode(), long.byNode()], [0, 3]);
  assert.deepEqual(await short.world.logged(), await long.world.logged());
  assert.equal(short.gate.figures().underWay, 0);
});

test('a request that comes in two pieces, head and body, is plain', async (t) => {
  const desk = await open(t);
  const { socket, answers } = await desk.dial();
  const text = requestOf(named('halves'));
  socket.write(text.slice(0, text.indexOf('{')));
  await rest();
  socket.write(text.slice(text.indexOf('{')));
  assert.deepEqual(ids(await answers(1)), ['0~halves']);
  assert.equal(desk.byNode(), 0);
});

test('what comes in crumbs is left to Node, whole', async (t) => {
  const desk = await open(t);
  const { socket, answers } = await desk.dial();
  for (const byte of requestOf(named('crumbs'))) {
    socket.write(byte);
    await rest();
  }
  assert.deepEqual(ids(await answers(1)), ['0~crumbs']);
  assert.equal(desk.byNode(), 1);
});

test('requests that come together are answered in their order, and so is what follows', async (t) => {
  const desk = await open(t);
  const { socket, answers } = await desk.dial();
  socket.write(requestOf(named('a')));
  await answers(1);
  socket.write(['b', 'c', 'd'].map((id) => requestOf(named(id))).join(''));
  await answers(4);
  socket.write(requestOf(named('e')));
  assert.deepEqual(ids(await answers(5)), ['0~a', '0~b', '0~c', '0~d', '0~e']);
  assert.equal(desk.byNode(), 4);
});

test('what comes while an answer is under way waits for it', async (t) => {
  const desk = await open(t, { spec: { predictionLog: 'acknowledged' } });
  desk.world.holdSends();
  const { socket, told, answers } = await desk.dial();
  socket.write(requestOf(named('first')));
  await untilUnderWay(desk, 1);
  socket.write(requestOf(named('second')));
  await rest();
  assert.equal(told.length, 0);
  desk.world.releaseSends();
  assert.deepEqual(ids(await answers(2)), ['0~first', '0~second']);
  assert.equal(desk.byNode(), 0);
});

test('the first request that is no plain one makes the connection Node’s', async (t) => {
  const desk = await open(t);
  const others: readonly (readonly [string, number])[] = [
    [requestOf(named('named'), ['Headrace-Version: stable']), 200],
    [requestOf({ ...BODY, subject: 'Zoë' }), 200],
    [requestOf({ ...BODY, more: 1 }), 400],
    [requestOf(`"${'x'.repeat(LIMIT)}"`), 413],
    [requestOf(`${JSON.stringify(BODY)}${' '.repeat(LIMIT)}`), 413],
    [requestOf(BODY).replace('clicks', 'nothing'), 404],
    ['GET /livez HTTP/1.1\r\nHost: x\r\n\r\n', 200],
  ];
  for (const [text, status] of others) {
    const before = desk.byNode();
    const { socket, answers } = await desk.dial();
    socket.write(requestOf(named('before')));
    await answers(1);
    socket.write(text);
    await answers(2);
    socket.write(requestOf(named('after')));
    const told = await answers(3);
    assert.deepEqual(
      told.map((one) => one.status),
      [200, status, 200],
      text.slice(0, 40),
    );
    assert.equal(desk.byNode(), before + 2);
  }
  assert.equal(desk.gate.figures().underWay, 0);
});

test('what is no HTTP is refused with words and the connection closed', async (t) => {
  const desk = await open(t);
  const { socket, answers, closed } = await desk.dial();
  socket.write('hello\r\n\r\n');
  const [told] = await answers(1);
  assert.deepEqual([told?.status, told?.connection], [400, 'close']);
  await closed;
});

test('while the router waits for something, Node’s routes say so', async (t) => {
  const desk = await open(t);
  desk.going.isReady = false;
  const { socket, answers } = await desk.dial();
  socket.write(requestOf(named('early')));
  await answers(1);
  assert.equal(desk.byNode(), 1);
});

test('who is not let in is told when to come again, and held up a little', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const desk = await open(t, { requestsMax: 1 });
  desk.gate.enter(1);
  const { socket, told, answers } = await desk.dial();
  socket.write(requestOf(named('full')));
  const [refused] = await answers(1);
  assert.equal(refused?.status, 503);
  assert.ok(refused.fields.includes('retry-after'));
  desk.gate.leave(1);
  await rest();
  socket.write(requestOf(named('again')));
  await rest();
  assert.equal(told.length, 1);
  t.mock.timers.tick(80);
  assert.deepEqual(ids((await answers(2)).slice(1)), ['0~again']);
  assert.deepEqual([desk.byNode(), desk.gate.figures().underWay], [0, 0]);
});

test('a plain request that cannot be answered is told so', async (t) => {
  const desk = await open(t);
  desk.world.scorers.meddle(() => Float32Array.of(NaN));
  const { socket, answers } = await desk.dial();
  socket.write(requestOf(BODY));
  const [told] = await answers(1);
  assert.equal(told?.status, 503);
  assert.match(String(told.body['detail']), /cannot answer/);
  assert.equal(desk.byNode(), 0);
});

test('a client that has said all still gets its answer; one that stops within a request is told', async (t) => {
  const desk = await open(t);
  const whole = await desk.dial();
  whole.socket.end(requestOf(named('last')));
  assert.deepEqual(ids(await whole.answers(1)), ['0~last']);
  await whole.closed;
  const half = await desk.dial();
  half.socket.end(requestOf(BODY).slice(0, -3));
  const [told] = await half.answers(1);
  assert.deepEqual([told?.status, told?.connection], [400, 'close']);
  await half.closed;
  const silent = await desk.dial();
  silent.socket.end();
  await silent.closed;
  assert.equal(desk.gate.figures().underWay, 0);
});

test('a router that is going answers what still comes, closes it with the answer, and closes what is idle', async (t) => {
  const desk = await open(t);
  const [idle, busy] = [await desk.dial(), await desk.dial()];
  busy.socket.write(requestOf(named('one')));
  await busy.answers(1);
  desk.going.isClosing = true;
  busy.socket.write(requestOf(named('two')));
  assert.equal((await busy.answers(2))[1]?.connection, 'close');
  await busy.closed;
  await desk.app.close();
  await idle.closed;
});

test('a router that is going answers what is under way, and closes it with the answer', async (t) => {
  const desk = await open(t, { spec: { predictionLog: 'acknowledged' } });
  desk.world.holdSends();
  const { socket, answers, closed } = await desk.dial();
  socket.write(requestOf(named('last')));
  await untilUnderWay(desk, 1);
  desk.going.isClosing = true;
  const end = desk.app.close();
  await rest();
  desk.world.releaseSends();
  const [told] = await answers(1);
  assert.deepEqual([told?.body['predictionId'], told?.connection], ['0~last', 'close']);
  await closed;
  await end;
});

test('a connection on which nothing has come for long is closed, one that waits for its answer is not', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const desk = await open(t, { spec: { predictionLog: 'acknowledged' } });
  desk.world.holdSends();
  const [idle, fresh, busy] = [await desk.dial(), await desk.dial(), await desk.dial()];
  busy.socket.write(requestOf(named('slow')));
  await untilUnderWay(desk, 1);
  desk.world.clock.nowMs += 73_000;
  fresh.socket.write(requestOf(named('fresh')));
  await untilUnderWay(desk, 2);
  t.mock.timers.tick(5000);
  await idle.closed;
  desk.world.releaseSends();
  assert.deepEqual(ids(await fresh.answers(1)), ['0~fresh']);
  assert.deepEqual(ids(await busy.answers(1)), ['0~slow']);
});

test('a client that goes before its answer leaves no place taken', async (t) => {
  const desk = await open(t, { spec: { predictionLog: 'acknowledged' } });
  desk.world.holdSends();
  const { socket, closed } = await desk.dial();
  socket.write(requestOf(BODY));
  await untilUnderWay(desk, 1);
  socket.resetAndDestroy();
  await closed;
  desk.world.releaseSends();
  await untilUnderWay(desk, 0);
});
