import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { linesOf } from '../http/ndjson-lines.ts';
import { AnswerError } from './answer-error.ts';

const LINE_BYTES_MAX = 1024 * 1024;
const ERROR_BYTES_MAX = 65_536;

/** Resolves with a request on a connection of its own that is made; rejects when none is within the time. */
function connected(
  url: string,
  headers: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<ClientRequest> {
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      agent: false,
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', ...headers },
      timeout: timeoutMs,
    });
    const late = (): void => {
      sent.destroy(new Error(`${url}: no connection within ${String(timeoutMs)} ms`));
    };
    sent.once('timeout', late);
    sent.once('error', reject);
    sent.once('socket', (socket) => {
      socket.once('connect', () => {
        sent.off('timeout', late);
        sent.off('error', reject);
        socket.setTimeout(0);
        resolve(sent);
      });
    });
    sent.flushHeaders();
  });
}

async function connectedToAny(
  urls: readonly string[],
  headers: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<ClientRequest> {
  let failure: unknown;
  for (const url of urls) {
    try {
      return await connected(url, headers, timeoutMs);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer) {
    text += String(chunk);
    if (text.length > ERROR_BYTES_MAX) break;
  }
  return text;
}

/**
 * Posts lines as they are given, to the first service that takes the connection, and yields the lines of the answer as they
 * come. Lines are taken no faster than the service reads. Ending it ends the request.
 *
 * @throws AnswerError when the answer is no success, and what the lines throw
 */
export async function* postLines(
  urls: readonly string[],
  lines: AsyncIterable<string>,
  { headers, timeoutMs }: { readonly headers: Readonly<Record<string, string>>; readonly timeoutMs: number },
): AsyncGenerator<string> {
  const sent = await connectedToAny(urls, headers, timeoutMs);
  const source = Readable.from(lines, { objectMode: false });
  try {
    const answering = new Promise<IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve);
      sent.on('error', reject);
    });
    source.on('error', (error) => sent.destroy(error));
    source.pipe(sent);
    const answer = await answering;
    const status = answer.statusCode ?? 0;
    if (status !== 200) throw new AnswerError(urls[0] ?? '', status, await textOf(answer));
    for await (const { bytes, length } of linesOf(answer as AsyncIterable<Buffer>, LINE_BYTES_MAX)) {
      if (bytes === undefined)
        throw new RangeError(
          `a line of the answer has ${String(length)} bytes, allowed ${String(LINE_BYTES_MAX)}`,
        );
      yield bytes.toString('utf8');
    }
  } catch (error) {
    throw source.errored ?? error;
  } finally {
    source.destroy();
    sent.destroy();
  }
}
