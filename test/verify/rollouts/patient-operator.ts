import { setTimeout as pause } from 'node:timers/promises';
import type { Answer } from '../../../deploy/demo/http-client.ts';
import { waitUntil } from '../../../deploy/local/wait-until.ts';
import type { RolloutAnswer } from '../../support/rollouts.ts';
import type { System } from '../../support/system.ts';

const LIMIT_MS = 120_000;
const EVERY_MS = 100;

/** A rollout as the registry shows it, with what its routers have. */
export interface WatchedRollout extends Omit<RolloutAnswer, 'rollout'> {
  readonly rollout: RolloutAnswer['rollout'] | null;
  readonly last: { readonly actor: string; readonly because: string } | null;
  readonly routers: readonly {
    readonly planVersion: number;
    readonly versions: readonly { readonly version: number; readonly ready: boolean }[];
  }[];
}

/** An operator who asks again until the registry answers, with the same key, so that nothing is done twice. */
export interface PatientOperator {
  createModel(spec: object): Promise<void>;
  /** Registers a version and returns its number once it lives and every live router can serve it. */
  addVersion(body: object): Promise<number>;
  approve(version: number): Promise<void>;
  /** Gives a version everything; resolves when every live router knows. */
  setStable(version: number): Promise<void>;
  retire(version: number): Promise<void>;
  start(version: number): Promise<void>;
  command(verb: 'resume' | 'abort'): Promise<void>;
  watch(): Promise<WatchedRollout>;
}

/** Returns the operator of one model. */
export function createPatientOperator(system: System, model: string, routers: number): PatientOperator {
  const registry = system.url('registry');
  const base = `${registry}/v1/models/${model}`;
  let asked = 0;

  /** Asks until there is an answer that is not about the registry itself. */
  async function ask(method: string, url: string, body?: object, headers: object = {}): Promise<Answer> {
    const key = `${model}/${String((asked += 1))}`;
    return waitUntil(
      async () => {
        const answer = await system.http.send(method, url, body, {
          'headrace-actor': 'operator',
          ...(method === 'GET' ? {} : { 'idempotency-key': key }),
          ...headers,
        });
        if (answer.status >= 500) throw new Error(`${String(answer.status)} ${JSON.stringify(answer.body)}`);
        return answer;
      },
      { what: `${method} ${url}`, limitMs: LIMIT_MS, everyMs: EVERY_MS },
    );
  }

  /** As `ask`, until it is also done: a conflict may pass when something else has ended. */
  async function done(method: string, url: string, body?: object): Promise<Answer> {
    const endMs = performance.now() + LIMIT_MS;
    for (;;) {
      const answer = await ask(method, url, body);
      if (answer.status < 300) return answer;
      if (answer.status !== 409 || performance.now() > endMs)
        throw new Error(`${method} ${url}: ${String(answer.status)} ${JSON.stringify(answer.body)}`);
      await pause(EVERY_MS);
    }
  }

  const watch = async (): Promise<WatchedRollout> =>
    (await ask('GET', `${base}/rollout`)).body as WatchedRollout;

  async function untilServed(version: number): Promise<void> {
    await waitUntil(
      async () => {
        const { routers: seen } = await watch();
        const ready = seen.filter(({ versions }) =>
          versions.some((one) => one.version === version && one.ready),
        );
        if (ready.length < routers) throw new Error(`${String(ready.length)} of ${String(routers)} routers`);
      },
      {
        what: `version ${String(version)} of ${model} on every router`,
        limitMs: LIMIT_MS,
        everyMs: EVERY_MS,
      },
    );
  }

  return {
    watch,
    async createModel(spec) {
      await done('POST', `${registry}/v1/models`, spec);
    },
    async addVersion(body) {
      const { version } = (await done('POST', `${base}/versions`, body)).body as { version: number };
      await waitUntil(
        async () => {
          const { life } = (await ask('GET', `${base}/versions/${String(version)}`)).body as { life: string };
          if (life !== 'live') throw new Error(`it is ${life}`);
        },
        { what: `version ${String(version)} of ${model} to live`, limitMs: LIMIT_MS, everyMs: EVERY_MS },
      );
      await untilServed(version);
      return version;
    },
    async approve(version) {
      await done('POST', `${base}/versions/${String(version)}/approve`);
    },
    async setStable(version) {
      await waitUntil(
        async () => {
          const { body, headers } = await ask('GET', `${base}/traffic`);
          if ((body as { stable: number | null }).stable === version) return;
          const ifMatch = { 'if-match': String(headers['etag']) };
          const answer = await ask('PUT', `${base}/traffic`, { stable: version }, ifMatch);
          if (answer.status >= 300)
            throw new Error(`${String(answer.status)} ${JSON.stringify(answer.body)}`);
        },
        { what: `version ${String(version)} of ${model} to be stable`, limitMs: LIMIT_MS, everyMs: EVERY_MS },
      );
      await waitUntil(
        async () => {
          const { traffic, routers: seen } = await watch();
          const behind = seen.filter(({ planVersion }) => planVersion < traffic.planVersion);
          if (seen.length < routers || behind.length > 0) throw new Error(`${String(behind.length)} do not`);
        },
        {
          what: `every router to know the stable version of ${model}`,
          limitMs: LIMIT_MS,
          everyMs: EVERY_MS,
        },
      );
    },
    async retire(version) {
      await done('POST', `${base}/versions/${String(version)}/retire`);
    },
    async start(version) {
      await done('POST', `${base}/rollout`, { version });
    },
    async command(verb) {
      await ask('POST', `${base}/rollout/${verb}`);
    },
  };
}
