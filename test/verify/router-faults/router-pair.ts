import { readFile } from 'node:fs/promises';
import { waitUntil } from '../../../deploy/local/wait-until.ts';
import type { ServiceProcess } from '../../../deploy/fleet/fleet.ts';
import { smallEvent } from '../../support/small-model.ts';
import type { StartedSystem } from '../../support/system.ts';

/** Settings of one start of both routers; a function gives each its own. */
export type RouterEnv =
  Readonly<Record<string, string>> | ((index: number) => Readonly<Record<string, string>>);

/** The two routers under proof. */
export interface RouterPair {
  readonly processes: readonly ServiceProcess[];
  readonly urls: readonly [string, string];
  /** Starts one after the other anew with these settings. Resolves when both are ready and returns how long each took, ms. */
  roll(env: RouterEnv): Promise<readonly number[]>;
  /** Starts services again that have ended by themselves, as a supervisor does; throws when a router has. */
  revive(): Promise<void>;
  /** Resolves when both say that they serve from there. */
  untilServingFrom(source: 'cache' | 'kafka'): Promise<void>;
  /** Resolves when a metric of both has reached a value. */
  untilMetric(line: string, least: number): Promise<void>;
  /** Resolves when both have logged these words. */
  untilLogged(words: string): Promise<void>;
  /** Sends an event and resolves when both answer by parameters that have learned it. */
  learnOne(): Promise<void>;
}

const LIMITS = { limitMs: 60_000, everyMs: 50 };

/** Returns the pair of a system. */
export function routerPair(system: StartedSystem, model: string): RouterPair {
  const processes = system.fleet.all.filter(({ name }) => name === 'router');
  const urls: readonly [string, string] = [system.url('router', 0), system.url('router', 1)];
  let sent = 0;

  async function positionOf(url: string): Promise<number> {
    const body = { subject: 'probe', features: { colour: 'red' } };
    const answer = await system.http.send('POST', `${url}/v1/models/${model}/predict`, body);
    if (answer.status !== 200) throw new Error(`${url}: ${String(answer.status)}`);
    return (answer.body as { snapshotPosition: number }).snapshotPosition;
  }

  const untilBoth = (check: (url: string) => Promise<string | undefined>, what: string): Promise<void> =>
    waitUntil(
      async () => {
        for (const url of urls) {
          const fault = await check(url);
          if (fault !== undefined) throw new Error(`${url}: ${fault}`);
        }
      },
      { what, ...LIMITS },
    );

  return {
    processes,
    urls,
    async roll(env) {
      const tookMs: number[] = [];
      for (const [index, one] of processes.entries()) {
        await one.stop();
        const startMs = performance.now();
        await one.start(typeof env === 'function' ? env(index) : env);
        await one.untilReady();
        tookMs.push(Math.round(performance.now() - startMs));
      }
      return tookMs;
    },
    async revive() {
      for (const one of system.fleet.all.filter((each) => !each.isRunning())) {
        if (one.name === 'router') throw new Error(`a router has ended; see ${one.logFile}`);
        await one.start();
      }
    },
    untilServingFrom: (source) =>
      untilBoth(async (url) => {
        const { status, body } = await system.http.send('GET', `${url}/readyz`);
        const from = (body as { servingFrom?: string }).servingFrom;
        return status === 200 && from === source ? undefined : JSON.stringify(body);
      }, `routers to serve from ${source}`),
    untilMetric: (line, least) =>
      untilBoth(
        async (url) => {
          const text = String((await system.http.send('GET', `${url}/metrics`)).body);
          const found = text.split('\n').find((one) => one.startsWith(`${line} `));
          const value = Number(found?.slice(line.length + 1) ?? 0);
          return value >= least ? undefined : `${line} is ${String(value)}`;
        },
        `${line} to be ${String(least)}`,
      ),
    untilLogged: (words) =>
      waitUntil(
        async () => {
          for (const { logFile } of processes)
            if (!(await readFile(logFile, 'utf8')).includes(words)) throw new Error(`${logFile} does not`);
        },
        { what: `both routers to log ${words}`, ...LIMITS },
      ),
    async learnOne() {
      const before = await Promise.all(urls.map(positionOf));
      const event = smallEvent(sent, { id: `recovery-${String(sent)}` });
      sent += 1;
      await waitUntil(
        async () => {
          const { status, body } = await system.http.send(
            'POST',
            `${system.url('ingest')}/v1/models/${model}/events`,
            event,
          );
          if (status !== 202) throw new Error(`${String(status)} ${JSON.stringify(body)}`);
        },
        { what: 'ingest to take an event', ...LIMITS },
      );
      await untilBoth(async (url) => {
        const after = await positionOf(url);
        return after > Math.max(...before) ? undefined : `it answers by position ${String(after)}`;
      }, 'routers to have learned one more event');
    },
  };
}
