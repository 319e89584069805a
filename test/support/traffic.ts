import { setTimeout as pause } from 'node:timers/promises';
import { smallEvent } from './small-model.ts';
import type { System } from './system.ts';

/** What a client's history says after some traffic. */
export interface TrafficHistory {
  /** Distinct events acknowledged by ingest. */
  events: number;
  /** Distinct labels acknowledged by ingest, each of an answered prediction. */
  labels: number;
  predictions: number;
  /** Predictions that failed although they were tried once more at another router. */
  readonly failed: string[];
}

/** Steady traffic of one client: an event, a prediction and its label, again and again, until it is stopped. */
export interface SteadyTraffic {
  readonly history: TrafficHistory;
  /** Ends the traffic; resolves when what was under way is acknowledged. */
  stop(): Promise<TrafficHistory>;
  /** Ends the traffic at once, whatever is under way: for a test that has failed. */
  abandon(): void;
}

const BETWEEN_ROUNDS_MS = 5;
/** With their pauses more than a minute: longer than any outage a test makes. */
const TRIES_MAX = 1500;

/**
 * Starts traffic on a small model. Ingest requests are repeated with the same ids until they are acknowledged.
 *
 * @param firstRound where ids begin: one more traffic on the same model begins where the one before ended
 */
export function startTraffic(system: System, model: string, firstRound = 0): SteadyTraffic {
  const history: TrafficHistory = { events: 0, labels: 0, predictions: 0, failed: [] };
  const routers = system.fleet.all.filter(({ name }) => name === 'router').map(({ url }) => url);
  let isStopped = false;
  let isAbandoned = false;

  async function untilAcknowledged(kind: 'events' | 'labels', body: unknown): Promise<boolean> {
    for (let tries = 0; tries < TRIES_MAX && !isAbandoned; tries += 1) {
      try {
        const { status } = await system.http.send(
          'POST',
          `${system.url('ingest')}/v1/models/${model}/${kind}`,
          body,
        );
        if (status === 202) return true;
        if (status < 429) throw new TypeError(`${kind}: ${String(status)}`);
      } catch (error) {
        if (error instanceof TypeError) throw error;
      }
      await pause(50);
    }
    return false;
  }

  async function predict(round: number): Promise<string | undefined> {
    const body = {
      subject: `subject-${String(round % 5)}`,
      features: { colour: round % 2 === 0 ? 'red' : 'blue' },
      id: `p-${String(round)}`,
    };
    let words = '';
    for (let tries = 0; tries < 2; tries += 1) {
      const url = routers[(round + tries) % routers.length] ?? '';
      try {
        const answer = await system.http.send('POST', `${url}/v1/models/${model}/predict`, body);
        if (answer.status === 200) return (answer.body as { predictionId: string }).predictionId;
        words = `${String(answer.status)} ${JSON.stringify(answer.body)}`;
        break; // an answer is an answer: only a connection that fails is tried again
      } catch (error) {
        words = String(error);
      }
    }
    history.failed.push(words);
    return undefined;
  }

  async function run(): Promise<void> {
    for (let round = firstRound; !isStopped; round += 1) {
      if (!(await untilAcknowledged('events', smallEvent(round)))) throw new Error('an event was not taken');
      history.events += 1;
      const predictionId = await predict(round);
      if (predictionId !== undefined) {
        history.predictions += 1;
        const label = { predictionId, label: round % 2 === 0 ? 1 : 0 };
        if (!(await untilAcknowledged('labels', label))) throw new Error('a label was not taken');
        history.labels += 1;
      }
      await pause(BETWEEN_ROUNDS_MS);
    }
  }
  const running = run();
  running.catch(() => undefined); // `stop` tells
  return {
    history,
    abandon() {
      isStopped = true;
      isAbandoned = true;
    },
    async stop() {
      isStopped = true;
      await running;
      return history;
    },
  };
}
