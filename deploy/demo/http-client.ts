import { Agent, request } from 'node:http';

/** An answer of a service. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Sends requests over kept connections. A connection that is refused or cut is tried once more, as a client would. */
export interface HttpClient {
  send(
    method: string,
    url: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  close(): void;
}

const RETRY_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE']);

/** Returns a client with at most `sockets` connections to each service. */
export function createHttpClient(sockets: number): HttpClient {
  const agent = new Agent({ keepAlive: true, maxSockets: sockets });

  function once(
    method: string,
    url: string,
    payload: Buffer | undefined,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request(
        url,
        {
          agent,
          method,
          timeout: 30_000,
          headers: {
            ...(payload === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': String(payload.length) }),
            ...headers,
          },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', reject);
          answer.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            const isJson = answer.headers['content-type']?.includes('json') === true;
            const body: unknown = isJson ? JSON.parse(text) : text;
            resolve({ status: answer.statusCode ?? 0, body, headers: answer.headers });
          });
        },
      );
      sent.on('timeout', () => sent.destroy(new Error('no answer within 30 s')));
      sent.on('error', reject);
      sent.end(payload);
    });
  }

  return {
    async send(method, url, body, headers = {}) {
      const payload =
        body === undefined
          ? undefined
          : Buffer.isBuffer(body)
            ? body
            : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
      try {
        return await once(method, url, payload, headers);
      } catch (error) {
        if (!RETRY_CODES.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
        return once(method, url, payload, headers);
      }
    },
    close: () => {
      agent.destroy();
    },
  };
}
