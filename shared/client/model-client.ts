import { randomUUID } from 'node:crypto';
import { Agent } from 'node:http';
import type { Arm } from '../domain/events.ts';
import type { FeatureValue } from '../domain/model-spec.ts';
import type { Problem } from '../http/problem.ts';
import type { Persistence } from './persistent-post.ts';
import { postPersistently } from './persistent-post.ts';
import { postLines } from './post-lines.ts';

/** What a prediction is asked for. */
export interface PredictionAsk {
  /** Whom it is about, 1 … 256 characters. */
  readonly subject: string;
  /** By name; what is left out is missing. */
  readonly features: Readonly<Record<string, FeatureValue>>;
  /** The caller's own id, unique in the model; a fresh one when left out. */
  readonly id?: string;
  /** When it is made, ms since the Unix epoch; now when left out. */
  readonly predictedAtMs?: number;
}

/** A prediction. */
export interface PredictionAnswer {
  /** What `feedback` takes. */
  readonly predictionId: string;
  readonly model: string;
  readonly version: number;
  /** Probability of label 1, [0, 1]. */
  readonly score: number;
  readonly arm: Arm;
  readonly snapshotPosition: number;
  readonly learnedToMs: number | null;
  readonly stalenessMs: number;
  readonly planVersion: number;
}

/** What became of one of many. */
export type BulkAnswer =
  | { readonly kind: 'answered'; readonly answer: PredictionAnswer }
  | { readonly kind: 'refused'; readonly problem: Problem };

/** A training event: features and label known together. */
export interface PublishedEvent {
  /** Unique in the model: a repeat within ten minutes is not learned again. */
  readonly id: string;
  readonly subject: string;
  readonly features: Readonly<Record<string, FeatureValue>>;
  readonly label: 0 | 1;
  readonly weight?: number;
  readonly eventTimeMs?: number;
}

/** How a model is reached. */
export interface ModelClientOptions extends Partial<Persistence> {
  readonly model: string;
  /** Base addresses of routers, such as http://127.0.0.1:8080: the first that answers is asked. */
  readonly routers: readonly string[];
  /** Base addresses of ingests. */
  readonly ingests: readonly string[];
  /** Version, or arm, to be answered by; the traffic plan decides when left out. */
  readonly version?: number | Arm;
  /** Most connections to each service. */
  readonly connectionsMax?: number;
}

/** One model as an application uses it. Everything is safe to try again, and is: ids make repeats harmless. */
export interface ModelClient {
  /** Returns a prediction. */
  predict(ask: PredictionAsk): Promise<PredictionAnswer>;
  /** Yields what becomes of each, in their order, reading while it sends; not tried again once connected. */
  predictMany(asks: Iterable<PredictionAsk> | AsyncIterable<PredictionAsk>): AsyncGenerator<BulkAnswer>;
  /** Tells the truth about a prediction; resolves when it is durable. The first label of a prediction wins. */
  feedback(
    predictionId: string,
    label: 0 | 1,
    more?: { readonly observedAtMs?: number; readonly source?: string },
  ): Promise<void>;
  /** Publishes training events; resolves with their offsets when all are durable. */
  publish(events: readonly PublishedEvent[]): Promise<readonly number[]>;
  /** Closes connections that are kept. */
  close(): void;
}

const DEFAULTS: Persistence = { attempts: 4, timeoutMs: 5000, pauseMsMax: 5000 };

function addressesOf(name: string, bases: readonly string[], path: string): readonly string[] {
  if (bases.length === 0) throw new RangeError(`${name}: none, allowed 1 …`);
  return bases.map((base) => new URL(path, base).href);
}

/** Returns a client of one model. Throws RangeError without addresses, TypeError for one that is no URL. */
export function createModelClient(options: ModelClientOptions): ModelClient {
  const { model, version, connectionsMax = 64 } = options;
  const how: Persistence = { ...DEFAULTS, ...options };
  const agent = new Agent({ keepAlive: true, maxSockets: connectionsMax });
  const path = `/v1/models/${encodeURIComponent(model)}`;
  const predictUrls = addressesOf('routers', options.routers, `${path}/predict`);
  const labelUrls = addressesOf('ingests', options.ingests, `${path}/labels`);
  const eventUrls = addressesOf('ingests', options.ingests, `${path}/events`);
  const headers = version === undefined ? {} : { 'headrace-version': String(version) };

  const send = async (urls: readonly string[], body: unknown): Promise<unknown> => {
    const what = { body: JSON.stringify(body), headers: urls === predictUrls ? headers : {} };
    return JSON.parse((await postPersistently(urls, what, { agent, how })).text) as unknown;
  };
  // An id of ours makes a second try the same prediction.
  const identified = (ask: PredictionAsk): PredictionAsk => ({ ...ask, id: ask.id ?? randomUUID() });

  async function* linesOf(
    asks: Iterable<PredictionAsk> | AsyncIterable<PredictionAsk>,
  ): AsyncGenerator<string> {
    for await (const ask of asks) yield `${JSON.stringify(ask)}\n`;
  }

  return {
    predict: async (ask) => (await send(predictUrls, identified(ask))) as PredictionAnswer,
    async *predictMany(asks) {
      const { timeoutMs } = how;
      for await (const line of postLines(predictUrls, linesOf(asks), { headers, timeoutMs })) {
        const value = JSON.parse(line) as PredictionAnswer | Problem;
        if ('predictionId' in value) yield { kind: 'answered', answer: value };
        else yield { kind: 'refused', problem: value };
      }
    },
    async feedback(predictionId, label, more = {}) {
      await send(labelUrls, { predictionId, label, ...more });
    },
    async publish(events) {
      if (events.length === 0) return [];
      const { items } = (await send(eventUrls, events)) as { items: readonly { offset?: number }[] };
      const refused = items.findIndex(({ offset }) => offset === undefined);
      if (refused >= 0) throw new RangeError(`event ${String(refused)}: ${JSON.stringify(items[refused])}`);
      return items.map(({ offset = -1 }) => offset);
    },
    close: () => {
      agent.destroy();
    },
  };
}
