import { setTimeout as pause } from 'node:timers/promises';
import type { System } from '../../support/system.ts';

/** An answer as its client had it. */
export interface Answered {
  /** When it had come, ms since the Unix epoch. */
  readonly atMs: number;
  readonly version: number;
}

/** Clients that ask every router of a system again and again. */
export interface Clients {
  readonly routers: readonly { readonly answers: readonly Answered[] }[];
  stop(): Promise<void>;
}

/** Begins to ask: one request a router is under way at a time, and the next begins so long after the one before began. */
export function askRouters(system: System, model: string, everyMs: number): Clients {
  let isStopped = false;
  const asked = system.fleet.all
    .filter(({ name }) => name === 'router')
    .map(({ url }) => {
      const answers: Answered[] = [];
      const body = { subject: `client of ${url}`, features: { colour: 'red' } };
      const run = async (): Promise<void> => {
        while (!isStopped) {
          const beganMs = performance.now();
          const { status, body: answer } = await system.http.send(
            'POST',
            `${url}/v1/models/${model}/predict`,
            body,
          );
          if (status !== 200) throw new Error(`${url}: ${String(status)} ${JSON.stringify(answer)}`);
          const { version } = answer as { version: number };
          answers.push({ atMs: performance.timeOrigin + performance.now(), version });
          await pause(Math.max(0, everyMs - (performance.now() - beganMs)));
        }
      };
      return { answers, running: run() };
    });
  for (const { running } of asked) running.catch(() => undefined); // `stop` tells
  return {
    routers: asked,
    async stop() {
      isStopped = true;
      await Promise.all(asked.map(({ running }) => running));
    },
  };
}
