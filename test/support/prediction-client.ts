import { Agent, request } from 'node:http';

/** What a router answered. */
export interface PredictionAnswer {
  readonly predictionId: string;
  readonly version: number;
  readonly planVersion: number;
  readonly score: number;
  readonly snapshotPosition: number;
  readonly stalenessMs: number;
}

/** An answer, or why there is none. */
export type Asked =
  | { readonly ok: true; readonly answer: PredictionAnswer; readonly isRetried: boolean }
  | { readonly ok: false; readonly words: string };

/** Asks routers for predictions as an application does. */
export interface PredictionClient {
  /**
   * Returns the answer of the first router, or of the second when the connection to the first is refused or cut: one retry,
   * and none after an answer, whatever it says.
   */
  ask(urls: readonly [string, string], model: string, body: object): Promise<Asked>;
  close(): void;
}

/** Returns a client over kept connections. */
export function createPredictionClient(): PredictionClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 128 });

  function once(url: string, payload: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const headers = {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(payload)),
      };
      const sent = request(url, { agent, method: 'POST', timeout: 30_000, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
        });
      });
      sent.on('timeout', () => sent.destroy(new Error('no answer within 30 s')));
      sent.on('error', reject);
      sent.end(payload);
    });
  }

  return {
    async ask(urls, model, body) {
      const payload = JSON.stringify(body);
      let words = '';
      for (const [index, url] of urls.entries()) {
        try {
          const { status, text } = await once(`${url}/v1/models/${model}/predict`, payload);
          if (status !== 200) return { ok: false, words: `${url}: ${String(status)} ${text.slice(0, 300)}` };
          return { ok: true, answer: JSON.parse(text) as PredictionAnswer, isRetried: index > 0 };
        } catch (error) {
          words += `${url}: ${String(error)}; `;
        }
      }
      return { ok: false, words };
    },
    close() {
      agent.destroy();
    },
  };
}
