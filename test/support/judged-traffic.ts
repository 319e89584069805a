import { setTimeout as pause } from 'node:timers/promises';
import { createRng } from '../../shared/domain/rng.ts';
import { drawExample } from './judged-model.ts';
import type { JudgedAnswer } from './plans-in-force.ts';
import { createPredictionClient } from './prediction-client.ts';
import type { System } from './system.ts';

/** Event time between two predictions, ms: a round stays well within the label window. */
const STEP_MS = 20;
/** Event time begins so long ago, and runs faster than the wall clock without overtaking it. */
const BEGAN_AGO_MS = 24 * 3_600_000;
const BETWEEN_TRIES_MS = 50;

/** What clients have seen. */
export interface JudgedHistory {
  readonly answers: JudgedAnswer[];
  requests: number;
  /** Requests whose first connection was refused or cut. */
  retried: number;
  /** Requests without a good answer, in words. */
  readonly failed: string[];
  labels: number;
}

/** Constant traffic of one model with the truth told after every round. */
export interface JudgedTraffic {
  readonly history: JudgedHistory;
  /** Begins no further round; resolves when the present one is told. */
  stop(): Promise<void>;
  /** Ends at once, whatever is under way: for a test that has failed. */
  abandon(): void;
}

/** What the traffic is like. */
export interface JudgedTrafficOptions {
  readonly system: System;
  readonly model: string;
  readonly seed: number;
  /** Requests of a round, all under way at once; at most 40, so that no label overtakes its window. */
  readonly roundSize: number;
  /** Wall time from the beginning of a round to that of the next, ms, unless it takes longer. */
  readonly roundMs: number;
}

/** Begins to ask both routers in turn. Labels are sent again until they are acknowledged. */
export function startJudgedTraffic(options: JudgedTrafficOptions): JudgedTraffic {
  const { system, model, seed, roundSize, roundMs } = options;
  const rng = createRng(seed);
  const client = createPredictionClient();
  const history: JudgedHistory = { answers: [], requests: 0, retried: 0, failed: [], labels: 0 };
  const routers = system.fleet.all.filter(({ name }) => name === 'router').map(({ url }) => url);
  const labelsUrl = `${system.url('ingest')}/v1/models/${model}/labels`;
  const beganMs = Date.now() - BEGAN_AGO_MS;
  let isStopped = false;
  let isAbandoned = false;

  async function predict(index: number): Promise<object[]> {
    const { subject, features, label } = drawExample(rng);
    const predictedAtMs = beganMs + index * STEP_MS;
    const [first = '', second = first] = index % 2 === 0 ? routers : routers.toReversed();
    const askedAtMs = Date.now();
    const body = { subject, features, predictedAtMs, id: `${String(seed)}-${String(index)}` };
    const asked = await client.ask([first, second], model, body);
    if (!asked.ok) {
      history.failed.push(asked.words);
      return [];
    }
    const { version, planVersion, predictionId } = asked.answer;
    if (asked.isRetried) history.retried += 1;
    history.answers.push({ subject, version, planVersion, askedAtMs });
    return [{ predictionId, label, observedAtMs: predictedAtMs + 1 + rng.int(STEP_MS) }];
  }

  async function tell(labels: readonly object[]): Promise<void> {
    while (labels.length > 0 && !isAbandoned) {
      const answer = await system.http.send('POST', labelsUrl, labels).catch(() => undefined);
      if (answer?.status === 202) {
        history.labels += labels.length;
        return;
      }
      if (answer !== undefined && answer.status < 429)
        throw new Error(`labels: ${String(answer.status)} ${JSON.stringify(answer.body)}`);
      await pause(BETWEEN_TRIES_MS);
    }
  }

  async function run(): Promise<void> {
    while (!isStopped) {
      const roundBeganMs = performance.now();
      const first = history.requests;
      history.requests += roundSize;
      const told = await Promise.all(Array.from({ length: roundSize }, (_, i) => predict(first + i)));
      await tell(told.flat());
      await pause(Math.max(1, roundMs - (performance.now() - roundBeganMs)));
    }
  }
  const running = run();
  running.catch(() => undefined); // `stop` tells
  return {
    history,
    async stop() {
      isStopped = true;
      await running.finally(() => {
        client.close();
      });
    },
    abandon() {
      isStopped = isAbandoned = true;
      client.close();
    },
  };
}
