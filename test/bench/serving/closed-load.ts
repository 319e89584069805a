import { openConnections, requestsOf } from './connections.ts';
import type { Connection } from './connections.ts';
import type { Load, Target } from './target.ts';

/** Sends requests for so long, over connections of which each waits for its answer before it asks again. */
export async function closedLoad(
  target: Target,
  { connections: count, seconds }: { connections: number; seconds: number },
): Promise<Load> {
  const requests = requestsOf(target);
  const askedMs = new Map<Connection, number>();
  const latenciesMs: number[] = [];
  const done = Promise.withResolvers<undefined>();
  let [sent, failed, endMs] = [0, 0, 0];

  function ask(connection: Connection, nowMs: number): void {
    askedMs.set(connection, nowMs);
    connection.ask(requests[sent++ % requests.length] ?? Buffer.alloc(0));
  }

  const connections = await openConnections(target.url, count, {
    onAnswer(connection, isGood) {
      const nowMs = performance.now();
      if (isGood) latenciesMs.push(nowMs - (askedMs.get(connection) ?? NaN));
      else failed += 1;
      askedMs.delete(connection);
      if (nowMs < endMs) ask(connection, nowMs);
      else if (askedMs.size === 0) done.resolve(undefined);
    },
    onFailure: done.reject,
  });
  const startMs = performance.now();
  endMs = startMs + 1000 * seconds;
  for (const connection of connections) ask(connection, startMs);
  try {
    await done.promise;
  } finally {
    for (const connection of connections) connection.close();
  }
  return {
    answered: latenciesMs.length,
    failed,
    seconds: (performance.now() - startMs) / 1000,
    latenciesMs: Float64Array.from(latenciesMs).sort(),
  };
}
