import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { StackAddresses } from '../local/stack.ts';
import { waitUntil } from '../local/wait-until.ts';
import type { HttpClient } from './http-client.ts';
import { MODEL } from './model.ts';
import type { TrafficCounts } from './traffic.ts';

/** A shard's state as the learner shows it. */
export interface StateView {
  readonly position: number;
  readonly stateDigest: string;
  readonly versions: readonly {
    readonly version: number;
    readonly examplesLearned: number;
    readonly metrics: { logLoss: number | null; baseRateLogLoss: number | null };
  }[];
}

/** What came out when everything was learned again. */
interface ReplayResult {
  readonly digest: string;
  readonly events: number;
  readonly uniqueIds: number;
}

/** Asks what the model's versions have learned. */
export interface Learned {
  state(): Promise<StateView>;
  /** Returns how many examples a version has learned, 0 when it is not there. */
  examplesOf(version: number): Promise<number>;
  /** Waits until every event has been learned: published ones, and one for each label. */
  all(limitMs: number): Promise<StateView>;
}

/** Returns what asks the learner at this address. */
export function createLearned(http: HttpClient, learnerUrl: string, counts: TrafficCounts): Learned {
  async function state(): Promise<StateView> {
    const { status, body } = await http.send('GET', `${learnerUrl}/v1/models/${MODEL}/state`);
    const found = (body as { shards?: StateView[] }).shards?.[0];
    if (status !== 200 || found === undefined) throw new Error(`the learner answers ${String(status)}`);
    return found;
  }
  return {
    state,
    async examplesOf(version) {
      const { versions } = await state();
      return versions.find((one) => one.version === version)?.examplesLearned ?? 0;
    },
    all: (limitMs) =>
      waitUntil(
        async () => {
          const now = await state();
          const learned = now.versions[0]?.examplesLearned ?? 0;
          const expected = counts.events + counts.labels;
          if (learned < expected)
            throw new Error(`${String(learned)} of ${String(expected)} examples learned`);
          return now;
        },
        { what: 'everything to be learned', limitMs, everyMs: 100 },
      ),
  };
}

/** Learns everything up to a position again in a process of its own and returns what came out. */
export async function learnAgain(stack: StackAddresses, position: number): Promise<ReplayResult> {
  const script = new URL('./replay-state.ts', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [script, MODEL, String(position)], {
    timeout: 180_000,
    env: {
      ...process.env,
      KAFKA_BROKERS: stack.kafkaBrokers,
      REDIS_URL: stack.redisUrl,
      SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    },
  });
  return JSON.parse(stdout) as ReplayResult;
}
