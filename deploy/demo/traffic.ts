import { setTimeout as delay } from 'node:timers/promises';
import type { Action } from './actions.ts';
import type { Flight } from './flights.ts';
import type { FreshnessProbe } from './freshness-probe.ts';
import type { HttpClient } from './http-client.ts';

const PREDICTIONS_AT_ONCE = 24;
const ITEMS_A_REQUEST = 200;
/** Departures of a slice of event time are asked about while landings of the slice before are told: no label overtakes its prediction. */
const SLICE_MS = 15 * 60_000;
/** A label comes so long before the end of its window at least. */
const LABEL_MARGIN_MS = 60 * 60_000;
/** One flight in so many is not asked about; its outcome is published as an event, which times freshness. */
const UNASKED_SHARE = 25;
/** No more flights depart in a second, one after the other: a faster machine does not outrun what takes its time, as holds do. */
const DEPARTURES_PER_SECOND_MAX = 1000;

/** What clients have done so far. */
export interface TrafficCounts {
  events: number;
  predictions: number;
  /** Labels that were told. */
  labels: number;
  failedRequests: number;
  /** Answers by version that served them. */
  readonly served: Map<number, number>;
  /** Staleness that the newest answer told. */
  stalenessMs: number;
  /** Event time of the traffic. */
  eventTimeMs: number;
  /** The first failures, in words. */
  readonly failures: string[];
}

/** What the traffic needs. */
export interface TrafficDeps {
  readonly http: HttpClient;
  readonly routerUrl: string;
  readonly ingestUrl: string;
  readonly model: string;
  /** How long after its prediction a label is taken, event time, ms. */
  readonly labelWindowMs: number;
  readonly probe: FreshnessProbe;
  readonly counts: TrafficCounts;
  readonly onAnswer: (position: number) => void;
  /** An event of the live traffic was acknowledged at an offset; `sentMs` is when it was sent, by the monotonic clock. */
  readonly onAcknowledged: (offset: number, sentMs: number) => void;
}

/** The clients of a model: they publish past flights, ask about departing ones, and tell the truth at landing. */
export interface Traffic {
  /** Publishes the outcomes of past flights as training events. */
  publish(flights: readonly Flight[]): Promise<void>;
  /** Lives through actions in event time, to their end or until it is enough; returns how many that were. */
  live(actions: readonly Action[], isEnough?: () => boolean): Promise<number>;
}

interface PredictAnswer {
  readonly predictionId: string;
  readonly version: number;
  readonly snapshotPosition: number;
  readonly stalenessMs: number;
}

/** Returns the clients. Every answer that is not a success is counted as a failed request. */
export function createTraffic({
  http,
  routerUrl,
  ingestUrl,
  model,
  labelWindowMs,
  probe,
  counts,
  onAnswer,
  onAcknowledged,
}: TrafficDeps): Traffic {
  const predictionIds = new Map<string, string>();
  const predictUrl = `${routerUrl}/v1/models/${model}/predict`;
  const eventsUrl = `${ingestUrl}/v1/models/${model}/events`;
  const labelsUrl = `${ingestUrl}/v1/models/${model}/labels`;

  async function send(url: string, body: unknown, expected: number): Promise<unknown> {
    try {
      const answer = await http.send('POST', url, body);
      if (answer.status === expected) return answer.body;
      failed(`${url}: ${String(answer.status)} ${JSON.stringify(answer.body).slice(0, 200)}`);
    } catch (error) {
      failed(`${url}: ${String(error)}`);
    }
    return undefined;
  }

  function failed(words: string): void {
    counts.failedRequests += 1;
    if (counts.failures.length < 5) counts.failures.push(words);
  }

  // A flight that lands after the label window would teach nothing: it is published as an event as well.
  const isAsked = ({ id, departureMs, landingMs }: Flight): boolean =>
    Number(id.slice(7)) % UNASKED_SHARE !== 0 && landingMs - departureMs < labelWindowMs - LABEL_MARGIN_MS;

  const eventOf = ({ id, route, landingMs, features, label }: Flight): object => ({
    id,
    subject: route,
    eventTimeMs: landingMs,
    features,
    label,
  });

  async function predict(flight: Flight): Promise<void> {
    const body = {
      subject: flight.route,
      features: flight.features,
      id: flight.id,
      predictedAtMs: flight.departureMs,
    };
    const answer = (await send(predictUrl, body, 200)) as PredictAnswer | undefined;
    if (answer === undefined) return;
    counts.predictions += 1;
    counts.served.set(answer.version, (counts.served.get(answer.version) ?? 0) + 1);
    counts.stalenessMs = answer.stalenessMs;
    predictionIds.set(flight.id, answer.predictionId);
    probe.answered(answer.snapshotPosition, performance.now());
    onAnswer(answer.snapshotPosition);
  }

  async function tell(flights: readonly Flight[]): Promise<void> {
    const labels = flights.flatMap(({ id, label, landingMs }) => {
      const predictionId = predictionIds.get(id);
      predictionIds.delete(id);
      return predictionId === undefined ? [] : [{ predictionId, label, observedAtMs: landingMs }];
    });
    if (labels.length === 0) return;
    if ((await send(labelsUrl, labels, 202)) !== undefined) counts.labels += labels.length;
  }

  async function publishSome(flights: readonly Flight[], isTimed: boolean): Promise<void> {
    if (flights.length === 0) return;
    const sentMs = performance.now();
    const answer = (await send(eventsUrl, flights.map(eventOf), 202)) as
      { items: { offset: number }[] } | undefined;
    if (answer === undefined) return;
    counts.events += flights.length;
    const offset = answer.items[0]?.offset;
    if (!isTimed || offset === undefined) return;
    onAcknowledged(offset, sentMs);
  }

  async function depart(flights: readonly Flight[]): Promise<void> {
    const beganMs = performance.now();
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let index = next++; index < flights.length; index = next++) {
        const flight = flights[index];
        const earlyMs = beganMs + (1000 * (index + 1)) / DEPARTURES_PER_SECOND_MAX - performance.now();
        if (earlyMs > 0) await delay(earlyMs);
        if (flight !== undefined && isAsked(flight)) await predict(flight);
      }
    };
    await Promise.all(Array.from({ length: PREDICTIONS_AT_ONCE }, worker));
  }

  async function land(flights: readonly Flight[]): Promise<void> {
    await tell(flights.filter(isAsked));
    for (const flight of flights.filter((one) => !isAsked(one))) await publishSome([flight], true);
  }

  return {
    async publish(flights) {
      const groups = Array.from({ length: Math.ceil(flights.length / ITEMS_A_REQUEST) }, (_, index) =>
        flights.slice(index * ITEMS_A_REQUEST, (index + 1) * ITEMS_A_REQUEST),
      );
      for (const group of groups) {
        await publishSome(group, false);
        counts.eventTimeMs = group.at(-1)?.landingMs ?? counts.eventTimeMs;
      }
    },

    async live(actions, isEnough = () => false) {
      let landed: readonly Flight[] = [];
      let telling: Promise<void> = Promise.resolve();
      let from = 0;
      while (from < actions.length && !isEnough()) {
        const endMs = Math.floor((actions[from]?.atMs ?? 0) / SLICE_MS + 1) * SLICE_MS;
        let to = from;
        while (to < actions.length && (actions[to]?.atMs ?? Infinity) < endMs) to += 1;
        const landedBefore = landed;
        const flights = (kind: Action['kind']): Flight[] =>
          actions
            .slice(from, to)
            .filter((action) => action.kind === kind)
            .map(({ flight }) => flight);
        // Telling may take until the end of the next slice: somebody is always asking, as it is in life.
        const before = telling;
        telling = before.then(() => land(landedBefore));
        await Promise.all([depart(flights('departs')), before]);
        landed = flights('lands');
        counts.eventTimeMs = endMs;
        from = to;
      }
      await telling;
      await land(landed);
      return from;
    },
  };
}
