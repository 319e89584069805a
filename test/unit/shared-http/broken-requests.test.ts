import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { createApp } from '../../../shared/http/app.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';

const app = await createApp({
  service: 'test',
  log: silentLog,
  registry: createMetrics().registry,
  bodyLimitBytes: 1000,
  waitsFor: () => [],
});

before(() => app.listen({ host: '127.0.0.1', port: 0 }));
after(() => app.close());

/** Returns everything that is answered to bytes on a connection of their own. */
async function answerTo(bytes: string): Promise<string> {
  const { port } = app.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.end(Buffer.from(bytes, 'latin1'));
  await once(socket, 'close');
  return text;
}

const BROKEN: readonly (readonly [string, string, number])[] = [
  ['bytes that are no HTTP', '\x16\x03\x01\x00\xa5', 400],
  ['an unknown method', 'FETCH / HTTP/1.1\r\nhost: a\r\n\r\n', 400],
  ['two lengths', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab', 400],
  ['half a request', 'GET / HTTP/1.1\r\nhost:', 400],
  ['headers beyond the limit', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`, 431],
  [
    'a chunk that has no length',
    'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    400,
  ],
  ['no host', 'GET /livez HTTP/1.1\r\n\r\n', 400],
  ['a path that is no URL', 'GET /%zz HTTP/1.1\r\nhost: a\r\n\r\n', 400],
  ['an expectation that nobody has', 'GET /livez HTTP/1.1\r\nhost: a\r\nexpect: the-unexpected\r\n\r\n', 417],
];

for (const [what, bytes, status] of BROKEN) {
  test(`${what} is answered ${String(status)} with a problem document`, async () => {
    const text = await answerTo(bytes);
    assert.match(text, new RegExp(`^HTTP/1\\.1 ${String(status)} `));
    assert.match(text.toLowerCase(), /content-type: application\/problem\+json/);
    const document = /\{.*\}/s.exec(text)?.[0] ?? '';
    assert.equal((JSON.parse(document) as { status: number }).status, status);
  });
}
