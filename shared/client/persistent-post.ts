import { setTimeout as delay } from 'node:timers/promises';
import type { Agent } from 'node:http';
import { AnswerError } from './answer-error.ts';
import { post } from './exchange.ts';
import type { Answered, Exchange } from './exchange.ts';

/** How often and how long something is tried. */
export interface Persistence {
  /** Tries in all, 1 …. */
  readonly attempts: number;
  /** The most that one try may take, ms. */
  readonly timeoutMs: number;
  /** The most that is waited between two tries, whatever Retry-After says, ms. */
  readonly pauseMsMax: number;
  /** Resolves after so many ms; given by tests. */
  readonly pause?: (ms: number) => Promise<unknown>;
}

const FIRST_PAUSE_MS = 50;
const PASSES = new Set([408, 429, 502, 503, 504]);

/** Returns how long an answer asks to wait, ms; undefined when it does not say. */
function retryAfterMs({ headers }: Answered): number | undefined {
  const given = headers['retry-after'];
  if (given === undefined) return undefined;
  const seconds = Number(given);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(given) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/**
 * Posts to the first of the services that answers and returns its answer. A refused or cut connection, a try that takes too
 * long and an answer that says that it passes (408, 429, 502, 503, 504) are tried again with the next service; when all have
 * been tried, after the longest Retry-After, or 50 ms doubled each round. What is posted must be harmless when it comes twice.
 *
 * @param urls one a service, not empty
 * @throws AnswerError for any other answer than a success, and the last failure when no try is left
 */
export async function postPersistently(
  urls: readonly string[],
  what: Omit<Exchange, 'url'>,
  { agent, how }: { readonly agent: Agent; readonly how: Persistence },
): Promise<Answered> {
  const { attempts, timeoutMs, pauseMsMax, pause = (ms: number) => delay(ms) } = how;
  let failure: unknown = new RangeError(`attempts ${String(attempts)}, allowed 1 …`);
  let said: readonly number[] = [];
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const round = Math.floor(attempt / urls.length);
    if (attempt > 0 && attempt % urls.length === 0) {
      const nextMs = said.length > 0 ? Math.max(...said) : FIRST_PAUSE_MS * 2 ** (round - 1);
      await pause(Math.min(pauseMsMax, nextMs));
      said = [];
    }
    const url = urls[attempt % urls.length] ?? '';
    try {
      const answer = await post({ ...what, url }, agent, timeoutMs);
      if (answer.status >= 200 && answer.status < 300) return answer;
      const error = new AnswerError(url, answer.status, answer.text);
      if (!PASSES.has(answer.status)) throw error;
      failure = error;
      const saidMs = retryAfterMs(answer);
      if (saidMs !== undefined) said = [...said, saidMs];
    } catch (error) {
      if (error instanceof AnswerError) throw error;
      failure = error;
    }
  }
  throw failure;
}
