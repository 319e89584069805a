import { setTimeout as pause } from 'node:timers/promises';
import { createRng } from '../../../shared/domain/rng.ts';
import type { Rng } from '../../../shared/domain/rng.ts';
import { smallEvent } from '../../support/small-model.ts';
import type { History, LabelIntent, SentLabel } from './history.ts';
import { createIngestClient } from './ingest-client.ts';
import type { LogWriter } from './log-writer.ts';
import type { World } from './world.ts';

/** Clients at work. */
export interface Clients {
  /** Begins nothing new; resolves when everything under way is acknowledged, or false when the limit has passed. */
  finish(limitMs: number): Promise<boolean>;
}

/** What clients are given. */
export interface ClientsInput {
  readonly world: World;
  readonly model: string;
  readonly windowMs: number;
  readonly history: History;
  readonly writer: LogWriter;
  readonly seed: number;
}

const EVENT_CLIENTS = 3;
const LABEL_CLIENTS = 3;
const ITEMS_MAX = 12;
const PAUSE_MAX_MS = 150;

/** Of 100 predictions' labels, how many are of each kind; the rest are plain. */
const INTENTS: readonly (readonly [number, LabelIntent])[] = [
  [10, 'early'],
  [20, 'second'],
  [25, 'late'],
  [30, 'unknown'],
];

function intentOf(rng: Rng): LabelIntent {
  const at = rng.int(100);
  return INTENTS.find(([below]) => at < below)?.[1] ?? 'plain';
}

/** Starts clients that send events and labels of every kind, a few at a time, each again until it is acknowledged. */
export function startClients(input: ClientsInput): Clients {
  const { world, model, history, writer } = input;
  const { system } = world;
  const routerUrl = system.url('router');
  let isFinishing = false;
  let isAbandoned = false;

  const client = createIngestClient(world.ingestUrl, model, history, createRng(input.seed + 1));

  async function predict(id: string): Promise<boolean> {
    const body = { subject: 'ada', features: { colour: 'red' }, id };
    while (!isAbandoned) {
      const answer = await system.http
        .send('POST', `${routerUrl}/v1/models/${model}/predict`, body)
        .catch(() => undefined); // the broker is away: the router cannot log it, and the client asks again
      if (answer?.status !== 200) {
        await pause(50);
        continue;
      }
      history.predictions.add((answer.body as { predictionId: string }).predictionId);
      return true;
    }
    return false;
  }

  function newLabel(id: string, source: string, intent: LabelIntent, label: number): SentLabel {
    const made = { predictionId: `0~${id}`, source, intent, label, isAcknowledged: false };
    history.labels.set(source, made);
    return made;
  }

  async function tell(labels: readonly SentLabel[]): Promise<void> {
    const items = labels.map(({ predictionId, source, label }, index) =>
      index % 2 === 0
        ? { predictionId, source, label }
        : { subject: 'ada', id: predictionId.slice(2), source, label },
    );
    await client.deliver('labels', items, (index) => {
      const sent = labels[index];
      if (sent !== undefined) sent.isAcknowledged = true;
    });
  }

  async function sendEvents(name: string, rng: Rng): Promise<void> {
    for (let next = 0; !isFinishing;) {
      const items = Array.from({ length: 1 + rng.int(ITEMS_MAX) }, () => {
        next += 1;
        return smallEvent(next, { id: `${name}-${String(next)}` });
      });
      for (const { id } of items) history.events.set(id, false);
      await client.deliver('events', items, (index) => {
        history.events.set(items[index]?.['id'] as string, true);
      });
      await pause(rng.int(PAUSE_MAX_MS));
    }
  }

  /** One round of a label client: predictions, and what is to be said about them in the order that their kind asks for. */
  async function sendLabels(name: string, rng: Rng): Promise<void> {
    for (let next = 0; !isFinishing;) {
      const after: SentLabel[] = [];
      const second: SentLabel[] = [];
      const count = 1 + rng.int(ITEMS_MAX / 2);
      for (let nth = 0; nth < count; nth += 1) {
        const id = `${name}-${String((next += 1))}`;
        const intent = intentOf(rng);
        const sent = newLabel(id, id, intent === 'second' ? 'plain' : intent, rng.int(2));
        if (intent === 'early') await tell([sent]);
        if (intent === 'late') {
          await writer.prediction(model, `0~${id}`, Date.now() - 2 * input.windowMs);
          history.predictions.add(`0~${id}`);
        } else if (intent !== 'unknown' && !(await predict(id))) return;
        if (intent !== 'early') after.push(sent);
        if (intent === 'second') second.push(newLabel(id, `${id}-again`, 'second', 1 - sent.label));
      }
      if (after.length > 0) await tell(after);
      if (second.length > 0) await tell(second); // the first ones are acknowledged, so they are first on the log
      await pause(rng.int(PAUSE_MAX_MS));
    }
  }

  const running = [
    ...Array.from({ length: EVENT_CLIENTS }, (_, nth) =>
      sendEvents(`event-${String(nth)}`, createRng(input.seed + 100 + nth)),
    ),
    ...Array.from({ length: LABEL_CLIENTS }, (_, nth) =>
      sendLabels(`p-${String(nth)}`, createRng(input.seed + 200 + nth)),
    ),
  ];
  const all = Promise.all(running);
  all.catch(() => undefined); // `finish` tells

  return {
    async finish(limitMs) {
      isFinishing = true;
      const timer = setTimeout(() => {
        isAbandoned = true;
        client.abandon();
      }, limitMs);
      await all;
      clearTimeout(timer);
      client.close();
      return !isAbandoned;
    },
  };
}
