import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { problemDocument, withError } from './problem.ts';

/** What Node's parser calls a fault, and the status that says so; anything else is 400. */
const STATUS_OF: ReadonlyMap<string, number> = new Map([
  ['HPE_HEADER_OVERFLOW', 431],
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
]);

const REASON_OF: ReadonlyMap<number, string> = new Map([
  [400, 'Bad Request'],
  [408, 'Request Timeout'],
  [413, 'Content Too Large'],
  [431, 'Request Header Fields Too Large'],
]);

/** Answers bytes that are no HTTP request with a problem document, and closes the connection. */
export function refuseBrokenRequest(
  error: { readonly code?: string; readonly reason?: string; readonly message: string },
  socket: Socket,
): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status = STATUS_OF.get(error.code ?? '') ?? 400;
  const document = problemDocument(status, `no HTTP request: ${error.reason ?? error.message}`);
  const body = JSON.stringify(withError(document));
  const head = [
    `HTTP/1.1 ${String(status)} ${REASON_OF.get(status) ?? 'Bad Request'}`,
    'content-type: application/problem+json',
    `content-length: ${String(Buffer.byteLength(body))}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Makes a server answer an expectation that nobody has with a problem document; Node alone answers nothing but the status. */
export function refuseExpectations(server: Server): void {
  server.on('checkExpectation', (request, reply: ServerResponse) => {
    const detail = `header expect: ${JSON.stringify(request.headers.expect)}, allowed "100-continue"`;
    const body = JSON.stringify(withError(problemDocument(417, detail)));
    reply.writeHead(417, { 'content-type': 'application/problem+json', connection: 'close' }).end(body);
  });
}
