import autocannon from 'autocannon';
import type { Load, Target } from './target.ts';

/** What of autocannon is used; it comes without types. */
interface Run extends PromiseLike<{
  readonly '2xx': number;
  readonly non2xx: number;
  readonly errors: number;
  readonly duration: number;
}> {
  on(event: 'response', heard: (client: unknown, status: number, bytes: number, ms: number) => void): void;
}

/** Sends requests for so long, over connections of which each waits for its answer before it asks again (autocannon). */
export async function closedLoad(
  { url, path, bodies }: Target,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<Load> {
  const headers = { 'content-type': 'application/json' };
  const run = autocannon({
    url,
    connections,
    duration: seconds,
    excludeErrorStats: true,
    requests: bodies.map((body) => ({ method: 'POST', path, headers, body })),
  }) as Run;
  const times: number[] = [];
  run.on('response', (_client, _status, _bytes, ms) => {
    times.push(ms);
  });
  const result = await run;
  return {
    answered: result['2xx'],
    failed: result.non2xx + result.errors,
    seconds: result.duration,
    latenciesMs: Float64Array.from(times).sort(),
  };
}
