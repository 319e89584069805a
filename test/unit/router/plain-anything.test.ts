import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inferOf, named, open, requestOf, rest } from './wire-world.ts';
import type { Desk, Told } from './wire-world.ts';

const OF_HTTP = [
  ...[
    'POST',
    'GET',
    ' /v1/models/clicks/predict',
    ' /v2/models/clicks/infer',
    '/v2',
    ' HTTP/1.1',
    'HTTP/1.0',
  ],
  ...[
    '\r\n',
    '\r',
    '\n',
    '\r\n\r\n',
    ':',
    ' ',
    'Content-Length: 5',
    'Transfer-Encoding: chunked',
    '0\r\n\r\n',
  ],
  ...['Connection: close', 'Host: y', 'Inference-Header-Content-Length: 9'],
];
const OF_JSON = [
  ...['{', '}', '[', ']', '"', ',', '\\', '\\u00e9', '\0', 'ë', '\xff', '2', '-1', 'null'],
  ...['"parameters":{},', '"__proto__":1,', '"parameters":{"binary_data":true}'],
];
const shop = { name: 'shop', shape: [2], datatype: 'BYTES', data: ['north', 'south'] };
const subject = { name: 'subject', shape: [2], datatype: 'BYTES', data: ['s1', 's2'] };

const anyBit = fc.constantFrom('', ...OF_HTTP, ...OF_JSON);

/** Requests, most of them spoilt in up to three places. */
const spoilt = fc
  .tuple(
    fc.constantFrom(
      requestOf(named('spoilt')),
      inferOf({ id: 'spoilt', inputs: [shop] }),
      inferOf({ inputs: [shop, subject], outputs: [{ name: 'prediction_id' }] }),
    ),
    fc.oneof(
      { weight: 1, arbitrary: fc.constant([]) },
      { weight: 4, arbitrary: fc.array(fc.tuple(fc.nat(), fc.nat({ max: 6 }), anyBit), { maxLength: 3 }) },
    ),
  )
  .map(([sound, changes]) => {
    let text = sound;
    for (const [place, removed, put] of changes) {
      const at = place % (text.length + 1);
      text = text.slice(0, at) + put + text.slice(at + removed);
    }
    return text;
  });

/** Returns of an answer what does not change from run to run. */
function lasting({ status, connection, body }: Told): unknown {
  const { outputs, detail, predictionId, score, id } = body as Record<string, unknown> & {
    outputs?: { name: string }[];
  };
  return [status, connection, detail, predictionId, score, id, outputs?.map(({ name }) => name)];
}

async function answersTo({ dial }: Desk, text: string, cuts: readonly number[]): Promise<unknown[]> {
  const { socket, told, closed } = await dial();
  const ends = [...cuts, text.length];
  const pieces = ends.map((end, k) => text.slice(ends[k - 1] ?? 0, end));
  for (const piece of [...pieces, 'GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n']) {
    if (socket.writable) socket.write(piece, 'latin1');
    await rest();
  }
  socket.end();
  await closed;
  // Bytes that are no HTTP end the connection; whether what was under way before them is still told is chance.
  return told.at(-1)?.status === 200 ? told.map(lasting) : ['cut off'];
}

test('whatever comes, in whatever pieces, the answers are those that Node’s way gives', async (t) => {
  const [short, long] = [await open(t), await open(t, { isShort: false })];
  const anyCuts = fc.array(fc.nat(), { maxLength: 4 });
  const property = fc.asyncProperty(spoilt, anyCuts, async (text, places) => {
    const cuts = places.map((place) => place % (text.length + 1)).sort((a, b) => a - b);
    const found = await Promise.all([short, long].map((desk) => answersTo(desk, text, cuts)));
    assert.deepEqual(found[0], found[1], JSON.stringify([text, cuts]));
  });
  await fc.assert(property, { numRuns: 900 });
  assert.ok(short.byNode() < long.byNode() - 100, 'more than 100 were answered without Node');
  for (const { gate, turns } of [short, long]) {
    assert.equal(gate.figures().underWay, 0);
    assert.equal(turns.enter(1e6), undefined); // no turn is taken
  }
});
