import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { traceparentOf } from '../../../shared/domain/traceparent.ts';
import { HeadReader, parsePlainHead } from '../../../services/router/http/plain-head.ts';

const LINE = 'POST /v1/models/clicks/predict HTTP/1.1';
const INFER_LINE = 'POST /v2/models/clicks/infer HTTP/1.1';
const HOST = 'Host: localhost:8080';
const TYPE = 'Content-Type: application/json';
const LENGTH = 'Content-Length: 12';
const TRACE = 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const PLAIN = { kind: 'predict', model: 'clicks', length: 12, traceparent: undefined };

const head = (...lines: readonly string[]): string => lines.join('\r\n');

test('a plain head is read: fields in any order and case, others as they like', () => {
  assert.deepEqual(parsePlainHead(head(LINE, HOST, TYPE, LENGTH)), PLAIN);
  assert.deepEqual(
    parsePlainHead(
      head(LINE, 'content-length:12', 'Accept: */*', 'CONTENT-TYPE:\tapplication/json ', 'host: a'),
    ),
    PLAIN,
  );
  assert.deepEqual(parsePlainHead(head(LINE, HOST, TYPE, LENGTH, 'Connection: Keep-Alive')), PLAIN);
  assert.deepEqual(parsePlainHead(head(LINE, HOST, TYPE, LENGTH, TRACE)), {
    ...PLAIN,
    traceparent: TRACE.slice(13),
  });
  assert.deepEqual(parsePlainHead(head(LINE, HOST, TYPE, LENGTH, 'traceparent: 00-abc')), PLAIN);
});

test('so is that of an inference request', () => {
  assert.deepEqual(parsePlainHead(head(INFER_LINE, HOST, TYPE, LENGTH)), { ...PLAIN, kind: 'infer' });
  assert.deepEqual(parsePlainHead(head(INFER_LINE, HOST, LENGTH)), { ...PLAIN, kind: 'infer' });
});

const LEFT_TO_NODE: readonly (readonly [string, string])[] = [
  ['another method', head(LINE.replace('POST', 'PUT'), HOST, TYPE, LENGTH)],
  ['a query', head(LINE.replace('predict', 'predict?x'), HOST, TYPE, LENGTH)],
  ['a verb of the other protocol', head(LINE.replace('v1', 'v2'), HOST, TYPE, LENGTH)],
  ['a verb of the other protocol, the other way', head(INFER_LINE.replace('v2', 'v1'), HOST, TYPE, LENGTH)],
  ['a version in the path', head(INFER_LINE.replace('infer', 'versions/2/infer'), HOST, TYPE, LENGTH)],
  ['a name that no model has', head(LINE.replace('clicks', 'c'.repeat(64)), HOST, TYPE, LENGTH)],
  ['tensors after the JSON', head(INFER_LINE, HOST, TYPE, LENGTH, 'Inference-Header-Content-Length: 10')],
  ['another version of HTTP', head(LINE.replace('1.1', '1.0'), HOST, TYPE, LENGTH)],
  ['two blanks in the request line', head(LINE.replace(' HTTP', '  HTTP'), HOST, TYPE, LENGTH)],
  ['no host', head(LINE, TYPE, LENGTH)],
  ['two hosts', head(LINE, HOST, HOST, TYPE, LENGTH)],
  ['no length', head(LINE, HOST, TYPE)],
  ['two lengths', head(LINE, HOST, TYPE, LENGTH, LENGTH)],
  ['length 0', head(LINE, HOST, TYPE, 'Content-Length: 0')],
  ['a length with a sign', head(LINE, HOST, TYPE, 'Content-Length: +12')],
  ['lengths in a list', head(LINE, HOST, TYPE, 'Content-Length: 12, 12')],
  ['another length of the same field', head(LINE, HOST, TYPE, 'Content-Length: 012')],
  ['another media type', head(LINE, HOST, 'Content-Type: text/plain', LENGTH)],
  ['no media type', head(LINE, HOST, LENGTH)],
  ['another media type of an inference request', head(INFER_LINE, HOST, 'Content-Type: text/plain', LENGTH)],
  ['chunks', head(LINE, HOST, TYPE, LENGTH, 'Transfer-Encoding: chunked')],
  ['a coding', head(LINE, HOST, TYPE, LENGTH, 'Content-Encoding: gzip')],
  ['an expectation', head(LINE, HOST, TYPE, LENGTH, 'Expect: 100-continue')],
  ['an upgrade', head(LINE, HOST, TYPE, LENGTH, 'Upgrade: h2c')],
  ['a connection that is to be closed', head(LINE, HOST, TYPE, LENGTH, 'Connection: close')],
  ['options of a connection', head(LINE, HOST, TYPE, LENGTH, 'Connection: keep-alive, upgrade')],
  ['a version', head(LINE, HOST, TYPE, LENGTH, 'Headrace-Version: candidate')],
  ['a blank before a colon', head(LINE, HOST, TYPE, 'Content-Length : 12')],
  ['a field without a name', head(LINE, HOST, TYPE, LENGTH, ': x')],
  ['a field without a value', head(LINE, HOST, TYPE, LENGTH, 'X-Empty:')],
  ['a field on two lines', head(LINE, HOST, TYPE, LENGTH, 'X-Long: a', ' b')],
  ['a line that ends with a line feed alone', head(LINE, HOST, TYPE, `${LENGTH}\nX: y`)],
  ['a carriage return alone', head(LINE, HOST, TYPE, LENGTH, 'X: a\rb')],
  ['what is not ASCII', head(LINE, HOST, TYPE, LENGTH, 'X: Zoë')],
  ['a NUL', head(LINE, HOST, TYPE, LENGTH, 'X: a\0b')],
  ['very many fields', head(LINE, HOST, TYPE, LENGTH, ...Array.from({ length: 62 }, () => 'X: y'))],
];

for (const [what, text] of LEFT_TO_NODE) {
  test(`left to Node: ${what}`, () => {
    assert.equal(parsePlainHead(text), undefined);
  });
}

test('a head that is remembered means what it meant, whatever its length is now', () => {
  const reader = new HeadReader();
  for (let length = 1; length < 3000; length++) {
    const text = head(LINE, HOST, TYPE, `Content-Length: ${String(length)}`, 'Accept: */*');
    const bytes = Buffer.from(`${text}\r\n\r\n{"subject"`);
    for (let times = 0; times < 2; times++) {
      assert.deepEqual(reader.read(bytes), { ...PLAIN, length });
      assert.equal(reader.bodyFrom, text.length + 4);
    }
    assert.equal(reader.read(bytes.subarray(0, text.length + 3)), undefined);
  }
  assert.equal(reader.read(Buffer.from(`${head(LINE, HOST, TYPE)}\r\n\r\n`)), undefined);
});

test('of a head that has come in part, what an earlier request has left behind is not read', () => {
  const text = `${head(LINE, HOST, TYPE, LENGTH, 'Accept: */*')}\r\n\r\n`;
  const bytes = Buffer.from(`${text}{"subject"`);
  const reader = new HeadReader();
  for (let length = 0; length < text.length; length++) assert.equal(reader.read(bytes, length), undefined);
  assert.deepEqual(reader.read(bytes, text.length), PLAIN);
  for (let length = 0; length < text.length; length++) assert.equal(reader.read(bytes, length), undefined);
});

const pieces = [
  ...[LINE, HOST, TYPE, LENGTH, TRACE, 'Connection: keep-alive', 'Accept: */*', 'User-Agent: a/1 (b; c)'],
  ...[
    'Content-Length: 7',
    'Content-Length: 12 ',
    'Content-Length:\t12',
    'Content-Length: 12,12',
    'content-length: 12',
  ],
  ...[
    'Transfer-Encoding: chunked',
    'Transfer-Encoding : chunked',
    'X: \ttabs\t',
    'X: a\nContent-Length: 3',
    'TE: trailers',
  ],
  ...['Connection: close', 'Keep-Alive: timeout=5', 'X-Empty:', ' folded', '', 'Trailer: x', 'HOST: other'],
];
const anyHead = fc
  .tuple(
    fc.subarray([HOST, TYPE, LENGTH], { minLength: 2 }),
    fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 12 })), { maxLength: 3 }),
    fc.infiniteStream(fc.nat()),
    fc.constantFrom(LINE, INFER_LINE),
  )
  .map(([known, more, places, line]) => {
    const lines = [...known];
    for (const one of more) lines.splice(places.next().value % (lines.length + 1), 0, one);
    return head(line, ...lines);
  });

test('heads that come one after the other are each read as if no other had come before', () => {
  const other = fc.record({
    length: fc.oneof(
      fc.nat(2_000_000_000).map(String),
      fc.constantFrom('', '0', '012', '+1', '1 2', '12\r\nX: y'),
    ),
    /** Which byte is another one, where one is. */
    changed: fc.option(
      fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 255 })),
    ),
  });
  const base = fc.oneof(anyHead, fc.constant(head(LINE, HOST, TYPE, LENGTH, 'Accept: */*')));
  let [plain, all] = [0, 0];
  fc.assert(
    fc.property(fc.array(fc.tuple(base, fc.array(other, { maxLength: 6 })), { maxLength: 4 }), (given) => {
      const reader = new HeadReader();
      for (const [text, others] of given)
        for (const { length, changed } of [{ length: '12', changed: null }, ...others]) {
          const bytes = Buffer.from(text.replace(/(content-length:\s*)12/i, `$1${length}`), 'latin1');
          const [share, by] = changed ?? [0, 0];
          const at = Math.floor(share * (bytes.length - 1));
          bytes[at] = ((bytes[at] ?? 0) + by) & 0xff;
          const now = bytes.toString('latin1');
          const end = `${now}\r\n\r\n`.indexOf('\r\n\r\n');
          const expected = end > 0 ? parsePlainHead(now.slice(0, end)) : undefined;
          const found = reader.read(Buffer.from(`${now}\r\n\r\n{}`, 'latin1'));
          assert.deepEqual(found, expected, now);
          if (found !== undefined) assert.equal(reader.bodyFrom, end + 4);
          plain += found === undefined ? 0 : 1;
          all += 1;
        }
    }),
    { numRuns: 2000 },
  );
  assert.ok(plain > all / 10, `${String(plain)} of ${String(all)} heads were plain`);
});

test('whatever is read means the same to Node: the same body, and the next request begins behind it', async (t) => {
  const heard: (readonly [string, string, unknown])[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('latin1').on('data', (text: string) => (body += text));
    request.on('end', () => {
      heard.push([request.url ?? '', body, request.headers['traceparent']]);
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  let read = 0;
  const property = fc.asyncProperty(anyHead, async (text) => {
    const plain = parsePlainHead(text);
    if (plain === undefined) return;
    read += 1;
    heard.length = 0;
    const body = '{"a":"b"}xyz?'.repeat(2).slice(0, plain.length);
    const socket = connect({ host: '127.0.0.1', port });
    socket.resume().write(`${text}\r\n\r\n${body}GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    await once(socket, 'close');
    const [first, second] = heard;
    const path = text.split(' ')[1];
    assert.equal(plain.kind, path?.endsWith('infer') ? 'infer' : 'predict');
    assert.deepEqual(first?.slice(0, 2), [path, body]);
    assert.equal(traceparentOf(first[2]), plain.traceparent);
    assert.equal(second?.[0], '/next');
  });
  await fc.assert(property, { numRuns: 1500 });
  assert.ok(read > 100, `${String(read)} of 1500 heads were read`);
});
