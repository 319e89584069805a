import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inferOf, LIMIT, named, open, requestOf, rest, untilUnderWay } from './wire-world.ts';
import type { Told } from './wire-world.ts';

const shop = { name: 'shop', shape: [2], datatype: 'BYTES', data: ['north', 'south'] };
const subject = { name: 'subject', shape: [2], datatype: 'BYTES', data: ['s1', 's2'] };
const ask = (id: string, more: object = {}): object => ({ id, inputs: [shop], ...more });
const asks = (told: readonly Told[]): unknown[] => told.map(({ status, body }) => [status, body['id']]);

/** Returns where the body of a request begins. */
const bodyAt = (text: string): number => text.indexOf('\r\n\r\n') + 4;

/** Writes bytes. */
function say(
  { socket }: { readonly socket: { write(text: string, encoding: 'latin1'): unknown } },
  text: string,
) {
  socket.write(text, 'latin1');
}

const LIKE_NODE: readonly (readonly [string, unknown])[] = [
  ['rows about nobody', ask('a')],
  ['rows with subjects, which are logged', { inputs: [shop, subject] }],
  ['an id beyond ASCII', ask('Zoë 😀')],
  [
    'escapes',
    '{"id":"\\u0041\\n","inputs":[{"name":"shop","shape":[1],"datatype":"BYTES","data":["\\u00e9"]}]}',
  ],
  ['outputs asked for', ask('b', { outputs: [{ name: 'version' }, { name: 'score' }] })],
  ['a fault of the request', { inputs: [{ ...shop, shape: [3] }] }],
  ['a fault in words beyond ASCII', { inputs: [{ ...shop, name: 'größe' }] }],
  ['no object', '[1,2]'],
  ['a byte order mark', '\ufeff{"inputs":[]}'],
  ['a parameter that is no boolean', ask('c', { parameters: { binary_data_output: 'yes' } })],
];

for (const [what, body] of LIKE_NODE) {
  test(`told without Node what Node’s way tells: ${what}`, async (t) => {
    const [short, long] = [await open(t), await open(t, { isShort: false })];
    const [wire, otherWire] = [await short.dial(), await long.dial()];
    for (let k = 1; k <= 2; k++) {
      for (const one of [wire, otherWire]) say(one, inferOf(body));
      await Promise.all([wire.answers(k), otherWire.answers(k)]);
    }
    assert.deepEqual(wire.told, otherWire.told);
    assert.deepEqual([short.byNode(), long.byNode()], [0, 2]);
    assert.deepEqual(await short.world.logged(), await long.world.logged());
    assert.deepEqual(short.world.told.all, long.world.told.all);
    assert.equal(short.gate.figures().underWay, 0);
  });
}

test('a body without a media type is taken', async (t) => {
  const desk = await open(t);
  const wire = await desk.dial();
  say(wire, inferOf(ask('bare')).replace('Content-Type: application/json\r\n', ''));
  assert.deepEqual(asks(await wire.answers(1)), [[200, 'bare']]);
  assert.equal(desk.byNode(), 0);
});

test('a model that does not exist, and one that cannot answer, are told so', async (t) => {
  const desk = await open(t);
  const wire = await desk.dial();
  say(wire, inferOf(ask('a')).replace('clicks', 'nobody'));
  await wire.answers(1);
  desk.world.scorers.meddle(() => Float32Array.of(NaN));
  say(wire, inferOf(ask('b')));
  const [unknown, unable] = await wire.answers(2);
  assert.deepEqual([unknown?.status, unknown?.body['error']], [404, 'model nobody does not exist']);
  assert.equal(unable?.status, 503);
  assert.match(String(unable.body['error']), /cannot answer/);
  assert.ok(unable.fields.includes('retry-after'));
  assert.equal(desk.byNode(), 0);
});

test('a mistake of ours is told with 500, and the connection goes on', async (t) => {
  const desk = await open(t);
  const wire = await desk.dial();
  const spec = desk.world.models.get('clicks');
  assert.ok(spec);
  desk.world.models.set('clicks', { ...spec, spec: undefined } as never);
  say(wire, inferOf(ask('a')));
  await wire.answers(1);
  desk.world.models.set('clicks', spec);
  say(wire, inferOf(ask('b')));
  const [mistake, after] = await wire.answers(2);
  assert.deepEqual(
    [mistake?.status, mistake?.body['error']],
    [500, 'the service made a mistake; its log says which'],
  );
  assert.equal(after?.status, 200);
  assert.equal(desk.gate.figures().underWay, 0);
});

test('a request is let in with its head, and answered when all of its body has come, in however many pieces', async (t) => {
  const desk = await open(t);
  const wire = await desk.dial();
  const text = inferOf(ask('pieces'));
  const from = bodyAt(text);
  say(wire, text.slice(0, from));
  await untilUnderWay(desk, 1);
  for (const byte of text.slice(from)) {
    say(wire, byte);
    await rest();
  }
  assert.deepEqual(asks(await wire.answers(1)), [[200, 'pieces']]);
  assert.deepEqual([desk.byNode(), desk.gate.figures().underWay], [0, 0]);
});

test('what comes with the end of a body is read after the answer', async (t) => {
  const desk = await open(t);
  const wire = await desk.dial();
  const [first, second, third] = ['a', 'b', 'c'].map((id) => inferOf(ask(id)));
  say(wire, String(first).slice(0, -5));
  await untilUnderWay(desk, 1);
  say(wire, String(first).slice(-5) + String(second));
  await wire.answers(2);
  assert.equal(desk.byNode(), 0);
  say(wire, String(third).slice(0, -5));
  await untilUnderWay(desk, 1);
  say(wire, `${String(third).slice(-5)}GET /livez HTTP/1.1\r\nHost: x\r\n\r\n`);
  assert.deepEqual(asks(await wire.answers(4)), [
    [200, 'a'],
    [200, 'b'],
    [200, 'c'],
    [200, undefined],
  ]);
  assert.equal(desk.byNode(), 1);
});

test('who is not let in is told with the head; the body is thrown away as it comes, and what follows is answered', async (t) => {
  const desk = await open(t, { requestsMax: 1 });
  desk.gate.enter(1);
  const wire = await desk.dial();
  const text = inferOf(ask('full'));
  say(wire, text.slice(0, bodyAt(text)));
  const [refused] = await wire.answers(1);
  assert.equal(refused?.status, 503);
  assert.ok(refused.fields.includes('retry-after'));
  assert.equal(refused.body['error'], refused.body['detail']);
  desk.gate.leave(1);
  say(wire, text.slice(bodyAt(text), -9));
  await rest();
  say(wire, text.slice(-9) + inferOf(ask('next')));
  assert.deepEqual(asks((await wire.answers(2)).slice(1)), [[200, 'next']]);
  assert.deepEqual([desk.byNode(), desk.gate.figures().underWay, desk.gate.figures().shed], [0, 0, 1]);
});

const BINARY = ask('tensors', { parameters: { binary_data_output: true } });
const nobody = (text: string): string => text.replace('clicks', 'nobody');
const LEFT_TO_NODE: readonly (readonly [string, string, number])[] = [
  ['a version', inferOf(ask('named'), ['Headrace-Version: 1']), 200],
  ['tensors after the JSON of the answer', nobody(inferOf(BINARY)), 404],
  [
    'the same by escapes',
    nobody(inferOf(JSON.stringify(BINARY).replace('binary_data', 'bin\\u0061ry_data'))),
    404,
  ],
  ['no JSON', inferOf('{"inputs":'), 400],
  ['no UTF-8', inferOf(ask('x')).replace('north', 'nor\xffh'), 400],
  ['a prototype', inferOf('{"inputs":[],"__proto__":{"a":1}}'), 400],
  ['a prototype by escapes', inferOf('{"inputs":[],"\\u005f_proto__":{"a":1}}'), 400],
  ['a constructor with a prototype', inferOf('{"inputs":[],"constructor":{"prototype":{}}}'), 400],
  ['a body beyond the limit', inferOf(`${JSON.stringify(ask('a'))}${' '.repeat(LIMIT)}`), 413],
];

for (const [what, text, status] of LEFT_TO_NODE) {
  test(`left to Node, whole: ${what}`, async (t) => {
    const desk = await open(t);
    const wire = await desk.dial();
    say(wire, inferOf(ask('before')));
    await wire.answers(1);
    say(wire, text.slice(0, -9));
    await rest();
    say(wire, text.slice(-9));
    const [, told] = await wire.answers(2);
    assert.equal(told?.status, status);
    assert.deepEqual(
      [desk.byNode(), desk.world.told.count('request infer clicks')],
      [1, status === 200 ? 2 : 1],
    );
    assert.equal(desk.gate.figures().underWay, 0);
    assert.equal(desk.turns.enter(1e6), undefined); // no turn is taken
  });
}

test('a client that takes long over a body becomes Node’s, which has a limit for that', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const desk = await open(t);
  const wire = await desk.dial();
  const text = inferOf(ask('slow'));
  say(wire, text.slice(0, -9));
  await untilUnderWay(desk, 1);
  t.mock.timers.tick(5000);
  await rest();
  assert.equal(desk.byNode(), 0);
  desk.world.clock.nowMs += 5001;
  t.mock.timers.tick(5000);
  await rest();
  assert.equal(desk.byNode(), 1);
  say(wire, text.slice(-9));
  assert.deepEqual(asks(await wire.answers(1)), [[200, 'slow']]);
});

test('a client that goes, or stops, within a body leaves no place taken', async (t) => {
  const desk = await open(t);
  const text = inferOf(ask('half')).slice(0, -9);
  const [gone, stopped] = [await desk.dial(), await desk.dial()];
  say(gone, text);
  await untilUnderWay(desk, 1);
  gone.socket.resetAndDestroy();
  await untilUnderWay(desk, 0);
  stopped.socket.end(text, 'latin1');
  const [told] = await stopped.answers(1);
  assert.deepEqual([told?.status, told?.connection], [400, 'close']);
  await stopped.closed;
  assert.equal(desk.gate.figures().underWay, 0);
});

test('bodies wait for their turn as bytes; who goes meanwhile takes none, and whose turn comes too late is told', async (t) => {
  const desk = await open(t, { bodyBytesInHand: 100, requestsMax: 1000 });
  assert.equal(desk.turns.enter(100), undefined); // somebody is at work
  const [gone, waiting] = [await desk.dial(), await desk.dial()];
  for (const one of [gone, waiting]) say(one, inferOf(ask('waiting')));
  await untilUnderWay(desk, 2);
  gone.socket.resetAndDestroy();
  await gone.closed;
  await rest();
  desk.turns.leave(100);
  assert.deepEqual(asks(await waiting.answers(1)), [[200, 'waiting']]);
  await untilUnderWay(desk, 0);
  assert.equal(desk.world.told.count('request infer clicks'), 1);

  assert.equal(desk.turns.enter(100), undefined);
  const wires = [];
  for (let k = 0; k < 66; k++) wires.push(await desk.dial());
  for (const one of wires) say(one, inferOf(ask('late')));
  await untilUnderWay(desk, 66);
  desk.world.clock.nowMs += 1001;
  desk.turns.leave(100);
  const told = (await Promise.all(wires.map(({ answers }) => answers(1)))).map(([one]) => one);
  const refused = told.filter((one) => one?.status === 503);
  assert.equal(refused.length, 2); // the last 64 may wait longer
  assert.match(String(refused[0]?.body['error']), /more requests under way/);
  assert.deepEqual([desk.byNode(), desk.gate.figures().underWay], [0, 0]);
  const [late] = wires;
  assert.ok(late);
  say(late, inferOf(ask('again')));
  assert.equal((await late.answers(2))[1]?.status, 200);
});

test('a client that has said all and whose turn comes later is answered, or told to come again', async (t) => {
  const desk = await open(t, { bodyBytesInHand: 100 });
  assert.equal(desk.turns.enter(100), undefined);
  const [plain, binary] = [await desk.dial(), await desk.dial()];
  plain.socket.end(inferOf(ask('plain')), 'latin1');
  binary.socket.end(inferOf(BINARY), 'latin1');
  await untilUnderWay(desk, 2);
  await rest();
  desk.turns.leave(100);
  assert.deepEqual(asks(await plain.answers(1)), [[200, 'plain']]);
  assert.deepEqual(asks(await binary.answers(1)), [[503, undefined]]);
  await Promise.all([plain.closed, binary.closed]);
});

test('a router that is going closes a refused connection when its answer is out, its body half sent or not', async (t) => {
  const desk = await open(t, { requestsMax: 1 });
  desk.gate.enter(1);
  const wire = await desk.dial();
  const text = inferOf(ask('full'));
  say(wire, text.slice(0, -9));
  await wire.answers(1);
  desk.going.isClosing = true;
  await desk.app.close();
  await wire.closed;
  assert.deepEqual(
    wire.told.map(({ status }) => status),
    [503],
  );
});

test('both kinds of requests may come on one connection', async (t) => {
  const desk = await open(t);
  const wire = await desk.dial();
  say(wire, inferOf(ask('a')));
  await wire.answers(1);
  say(wire, requestOf(named('b')));
  await wire.answers(2);
  say(wire, inferOf(ask('c')));
  const told = await wire.answers(3);
  assert.deepEqual(
    told.map(({ body }) => body['id'] ?? body['predictionId']),
    ['a', '0~b', 'c'],
  );
  assert.equal(desk.byNode(), 0);
});
