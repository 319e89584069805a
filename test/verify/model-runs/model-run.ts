import { waitUntil } from '../../../deploy/local/wait-until.ts';
import { partitionOf } from '../../../shared/domain/murmur2.ts';
import { shardKey } from '../../../shared/domain/shard.ts';
import { learnerState, smallEvent, smallSpec } from '../../support/small-model.ts';
import type { LearnerState } from '../../support/small-model.ts';
import { PARTITIONS } from '../../support/system.ts';
import type { System } from '../../support/system.ts';

const EVENTS_PER_REQUEST = 500;
/** The learner must have learned what it was sent within this time, ms. */
const LIMIT_MS = 60_000;
/** 2^13 weights are more than two pages, so that some pages change between two checkpoints and some do not. */
const TABLE_BITS = 13;

/** One model of a proof and what it was sent. */
export interface ModelRun {
  readonly name: string;
  readonly partition: number;
  /** Distinct events that ingest has acknowledged. */
  sent: number;
  /** Those of them that a proof took from the log before they were learned. */
  lost: number;
}

/** Returns a name whose shard is on this partition. */
export function nameOn(partition: number, prefix: string): string {
  for (let n = 0; ; n += 1) {
    const name = `${prefix}-${String(n)}`;
    if (partitionOf(shardKey(name, 0), PARTITIONS) === partition) return name;
  }
}

/** Creates a model with a version that learns. */
export async function startModel(system: System, name: string): Promise<ModelRun> {
  const operator = system.operator(name);
  await operator.createModel(smallSpec(name, { learner: { tableBits: TABLE_BITS, alpha: 0.5 } }));
  await operator.addVersion({ mode: 'cold' });
  return { name, partition: partitionOf(shardKey(name, 0), PARTITIONS), sent: 0, lost: 0 };
}

/** Sends further distinct events to ingest and returns when they are acknowledged. */
export async function send(system: System, model: ModelRun, count: number): Promise<void> {
  for (let left = count; left > 0; left -= EVENTS_PER_REQUEST) {
    const size = Math.min(left, EVENTS_PER_REQUEST);
    const events = Array.from({ length: size }, (_, index) =>
      smallEvent(model.sent + index, { id: `${model.name}-${String(model.sent + index)}` }),
    );
    const url = `${system.url('ingest')}/v1/models/${model.name}/events`;
    const { status, body } = await system.http.send('POST', url, events);
    if (status !== 202) throw new Error(`events: ${String(status)} ${JSON.stringify(body)}`);
    model.sent += size;
  }
}

/** Waits until everything that was sent and is not lost is learned and stored, and returns the state then. */
export async function untilStored(system: System, { name, sent, lost }: ModelRun): Promise<LearnerState> {
  const examples = sent - lost;
  return waitUntil(
    async () => {
      const state = await learnerState(system, name);
      const learned = state.versions[0]?.examplesLearned ?? 0;
      if (learned !== examples || state.savedPosition !== state.position)
        throw new Error(
          `${String(learned)} of ${String(examples)} learned, saved ${String(state.savedPosition)}`,
        );
      return state;
    },
    { what: `${name} to have learned and stored everything`, limitMs: LIMIT_MS, everyMs: 50 },
  );
}

/** Returns the learner's series of a metric that name the model, by their labels as text. */
export async function series(system: System, metric: string, model: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${system.url('online-learner')}/metrics`)).text();
  return new Map(
    [...text.matchAll(new RegExp(`^${metric}\\{([^}]*)\\} (\\S+)$`, 'gm'))]
      .filter(([, labels = '']) => labels.includes(`model="${model}"`))
      .map(([, labels = '', value]) => [labels, Number(value)]),
  );
}
