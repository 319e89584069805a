import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Rng } from '../../../shared/domain/rng.ts';
import type { History } from './history.ts';

/** A client of ingest as a careful producer writes one: short time-outs, and the same ids again until acknowledged. */
export interface IngestClient {
  /** Resolves when every item is acknowledged; tells of each as soon as it is. False when it was abandoned before. */
  deliver(
    kind: 'events' | 'labels',
    items: readonly object[],
    onAcknowledged: (index: number) => void,
  ): Promise<boolean>;
  /** Gives up whatever is under way. */
  abandon(): void;
  close(): void;
}

interface Answer {
  readonly status: number;
  readonly items: readonly { readonly status: string }[];
  readonly text: string;
}

const FIRST_TIMEOUT_MS = 400;
const LONGEST_TIMEOUT_MS = 8000;
const LONGEST_PAUSE_MS = 500;

/** Returns a client that speaks to ingest at a URL and writes down what it did. */
export function createIngestClient(
  base: string,
  model: string,
  history: Pick<History, 'requests' | 'retries' | 'timeouts' | 'inFlight' | 'refused'>,
  rng: Rng,
): IngestClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  let isAbandoned = false;

  function once(path: string, body: Buffer, timeoutMs: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': String(body.length) };
      const sent = request(`${base}${path}`, { agent, method: 'POST', headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          try {
            const parsed = JSON.parse(text) as { items?: Answer['items'] };
            resolve({ status: answer.statusCode ?? 0, items: parsed.items ?? [], text });
          } catch (error) {
            reject(new Error(`an answer that is not JSON: ${text.slice(0, 100)}`, { cause: error }));
          }
        });
        answer.on('close', () => {
          reject(new Error('the answer was cut off'));
        });
      });
      // The whole exchange has this long, however slowly its bytes come.
      const timer = setTimeout(() => {
        history.timeouts += 1;
        sent.destroy(new Error('no answer in time'));
      }, timeoutMs);
      sent.on('error', reject);
      sent.on('close', () => {
        clearTimeout(timer);
      });
      sent.end(body);
    });
  }

  /** Returns which items were acknowledged by one try; none when it failed. */
  async function attempt(path: string, items: readonly object[], timeoutMs: number): Promise<boolean[]> {
    history.requests += 1;
    history.inFlight += 1;
    try {
      const {
        status,
        items: results,
        text,
      } = await once(path, Buffer.from(JSON.stringify(items)), timeoutMs);
      const isRefused = status >= 400 && status !== 429 && status !== 503;
      if (isRefused || results.some((result) => result.status === 'rejected'))
        history.refused.push(`${path}: ${String(status)} ${text.slice(0, 200)}`);
      if (status !== 202 && status !== 207) return [];
      return results.map((result) => result.status === 'accepted');
    } catch {
      return []; // nothing is known: the same again
    } finally {
      history.inFlight -= 1;
    }
  }

  return {
    async deliver(kind, items, onAcknowledged) {
      const path = `/v1/models/${model}/${kind}`;
      let open = items.map((item, index) => ({ item, index }));
      for (let tries = 1; ; tries += 1) {
        const timeoutMs = Math.min(FIRST_TIMEOUT_MS * 1.5 ** tries * (0.5 + rng.next()), LONGEST_TIMEOUT_MS);
        const accepted = await attempt(
          path,
          open.map(({ item }) => item),
          timeoutMs,
        );
        const left: typeof open = [];
        for (const [place, one] of open.entries()) {
          if (accepted[place] === true) onAcknowledged(one.index);
          else left.push(one);
        }
        open = left;
        if (open.length === 0) return true;
        if (isAbandoned) return false;
        history.retries += 1;
        await pause(Math.min(20 * 2 ** Math.min(tries, 5) * rng.next(), LONGEST_PAUSE_MS));
      }
    },
    abandon: () => {
      isAbandoned = true;
    },
    close: () => {
      agent.destroy();
    },
  };
}
