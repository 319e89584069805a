import { request } from 'node:http';
import type { Agent, IncomingHttpHeaders } from 'node:http';

/** One request. */
export interface Exchange {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a service answered. */
export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Posts JSON and returns the answer. Rejects when the connection is refused or cut, when the answer is not whole within the
 * time, and when it is larger than 64 MiB. A connection whose answer says `connection: close` is not used again.
 */
export function post({ url, body, headers }: Exchange, agent: Agent, timeoutMs: number): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(body);
    const sent = request(url, {
      agent,
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': String(bytes.length), ...headers },
      signal: AbortSignal.timeout(timeoutMs),
    });
    sent.on('error', (error) => {
      const isLate = error.name === 'TimeoutError' || error.name === 'AbortError';
      reject(
        isLate ? new Error(`${url}: no answer within ${String(timeoutMs)} ms`, { cause: error }) : error,
      );
    });
    sent.on('response', (answer) => {
      const chunks: Buffer[] = [];
      let length = 0;
      answer.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > ANSWER_BYTES_MAX)
          answer.destroy(new Error(`${url}: the answer is longer than ${String(ANSWER_BYTES_MAX)} bytes`));
        else chunks.push(chunk);
      });
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text });
      });
    });
    sent.end(bytes);
  });
}
