import type { RolloutState } from '../../shared/domain/rollout.ts';
import { waitUntil } from '../local/wait-until.ts';
import type { HttpClient } from './http-client.ts';
import type { RolloutEvent } from './rollout-results.ts';

/** The traffic plan as the registry shows it. */
export interface PlanView {
  readonly planVersion: number;
  readonly stable: number | null;
  readonly candidate: number | null;
  readonly candidateWeightBp: number;
}

/** Where the newest rollout stands, as the registry shows it. */
export interface RolloutView {
  readonly rollout: RolloutState | null;
  readonly waitsFor: readonly string[];
  readonly last: { readonly sequence: number } | null;
}

/** What an operator does with the registry. */
export interface Operator {
  createModel(spec: object): Promise<void>;
  /** Registers a version, waits until its learner has begun, approves it, and returns its number. */
  addVersion(body: object): Promise<number>;
  /** Sets the traffic plan, whatever it was. */
  setTraffic(wanted: {
    stable: number;
    candidate?: number;
    candidateWeightBp?: number;
    shadows?: readonly number[];
    targets?: readonly object[];
  }): Promise<PlanView>;
  /** Tries a version; from here on evidence decides. */
  startRollout(version: number, reason: string): Promise<void>;
  rollout(): Promise<RolloutView>;
  /** Returns everything that rollouts did, oldest first. */
  rolloutEvents(): Promise<readonly RolloutEvent[]>;
}

const ACTOR = { 'headrace-actor': 'demo' };

/** Returns an operator of one model. */
export function createOperator(http: HttpClient, registryUrl: string, model: string): Operator {
  const base = `${registryUrl}/v1/models/${model}`;

  async function ask(
    method: string,
    url: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ body: unknown; etag: string }> {
    const answer = await waitUntil(
      async () => {
        const given = await http.send(method, url, body, { ...ACTOR, ...headers });
        if (given.status === 503) throw new Error(JSON.stringify(given.body));
        return given;
      },
      { what: `${method} ${url}`, limitMs: 20_000, everyMs: 200 },
    );
    if (answer.status >= 400)
      throw new Error(`${method} ${url}: ${String(answer.status)} ${JSON.stringify(answer.body)}`);
    return { body: answer.body, etag: String(answer.headers['etag'] ?? '') };
  }

  return {
    async createModel(spec) {
      await ask('POST', `${registryUrl}/v1/models`, spec);
    },
    async addVersion(body) {
      const made = (await ask('POST', `${base}/versions`, body)).body as { version: number };
      const url = `${base}/versions/${String(made.version)}`;
      await waitUntil(
        async () => {
          const { life } = (await ask('GET', url)).body as { life: string };
          if (life !== 'live') throw new Error(`it is ${life}`);
        },
        { what: `version ${String(made.version)} to be live`, limitMs: 30_000 },
      );
      await ask('POST', `${url}/approve`);
      return made.version;
    },
    async setTraffic(wanted) {
      const { etag } = await ask('GET', `${base}/traffic`);
      return (await ask('PUT', `${base}/traffic`, wanted, { 'if-match': etag })).body as PlanView;
    },
    async startRollout(version, reason) {
      await ask('POST', `${base}/rollout`, { version, reason });
    },
    rollout: async () => (await ask('GET', `${base}/rollout`)).body as RolloutView,
    async rolloutEvents() {
      const { events } = (await ask('GET', `${base}/history`)).body as { events: RolloutEvent[] };
      return events.filter(({ kind }) => kind.startsWith('Rollout'));
    },
  };
}
