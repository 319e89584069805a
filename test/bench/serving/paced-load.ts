import { openConnections, requestsOf } from './connections.ts';
import type { Connection } from './connections.ts';
import type { Load, Target } from './target.ts';

/**
 * Sends requests at a steady rate over kept connections, and times each from the moment at which it was due, not from when a
 * connection was free: a server that stands still is charged for everything that waits meanwhile.
 */
export async function pacedLoad(
  target: Target,
  { connections: count, seconds, rate }: { connections: number; seconds: number; rate: number },
): Promise<Load> {
  const requests = requestsOf(target);
  const total = Math.round(rate * seconds);
  const latenciesMs = new Float64Array(total);
  const dueMs = new Map<Connection, number>();
  const done = Promise.withResolvers<undefined>();
  let [sent, answered, failed] = [0, 0, 0];

  const connections = await openConnections(target.url, count, {
    onAnswer(connection, isGood) {
      if (isGood) latenciesMs[answered++] = performance.now() - (dueMs.get(connection) ?? NaN);
      else failed += 1;
      idle.push(connection);
      if (answered + failed >= total) done.resolve(undefined);
    },
    onFailure: done.reject,
  });
  const idle = [...connections];
  const startMs = performance.now();
  const timer = setInterval(() => {
    while (sent < total && startMs + (1000 * sent) / rate <= performance.now()) {
      const connection = idle.pop();
      if (connection === undefined) return;
      dueMs.set(connection, startMs + (1000 * sent) / rate);
      connection.ask(requests[sent++ % requests.length] ?? Buffer.alloc(0));
    }
  }, 1);
  try {
    await done.promise;
  } finally {
    clearInterval(timer);
    for (const connection of connections) connection.close();
  }
  const tookSeconds = (performance.now() - startMs) / 1000;
  return { answered, failed, seconds: tookSeconds, latenciesMs: latenciesMs.subarray(0, answered).sort() };
}
