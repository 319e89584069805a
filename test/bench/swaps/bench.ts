import { setTimeout as pause } from 'node:timers/promises';
import type { ProducedEvent } from '../../../shared/events/training-event-encoder.ts';
import { createTrainingEventEncoder } from '../../../shared/events/training-event-encoder.ts';
import { waitUntil } from '../../../deploy/local/wait-until.ts';
import { residentMbOf } from '../../support/process-cpu.ts';
import { defineProgram } from '../../support/programs.ts';
import type { Options, ProgramResult } from '../../support/programs.ts';
import { PARTITIONS, startSystem } from '../../support/system.ts';
import type { StartedSystem } from '../../support/system.ts';
import { pacedLoad } from '../serving/paced-load.ts';
import { predictTarget, serveModel, specOf } from '../serving/served-models.ts';
import { middle, sliceOf } from '../serving/slices.ts';
import type { Slice } from '../serving/slices.ts';

const SIZES = [18, 22];
const SWAP_EVERY_MS = 60;
/** The longest that a spec may let a learner wait between two snapshots, ms. */
const QUIET_INTERVAL_MS = 60_000;
/** An eighth of 2^22 weights is touched after some 12 s of these, of 2^18 after a second: a full snapshot is sent then. */
const EVENTS_PER_SWAP = 600;
const CONNECTIONS = 16;
const P99_RATIO_MAX = 1.1;
const GROWTH_MAX_MB = 50;

/** Returns how many snapshots of a model a router has applied, by kind. */
async function appliedOf(system: StartedSystem, model: string): Promise<{ full: number; delta: number }> {
  const { body } = await system.http.send('GET', `${system.url('router')}/metrics`);
  const of = (kind: string): number => {
    const line = String(body)
      .split('\n')
      .find(
        (one) =>
          one.startsWith('headrace_router_snapshots_total{') &&
          one.includes(`model="${model}"`) &&
          one.includes(`kind="${kind}"`) &&
          one.includes('result="applied"'),
      );
    return Number(line?.split(' ').at(-1) ?? 0);
  };
  return { full: of('full'), delta: of('delta') };
}

/** Returns so many events whose names nobody has had before, so that each touches weights which none before it did. */
function newEvents(from: number): ProducedEvent[] {
  return Array.from({ length: EVENTS_PER_SWAP }, (_, index) => {
    const at = from + index;
    const name = String(at);
    return {
      id: `swap-${name}`,
      subject: `swap-${name}`,
      eventTimeMs: 1_790_000_100_000 + at,
      features: {
        hour: at % 24,
        weekday: at % 7,
        origin: `from-${name}`,
        destination: `to-${name}`,
        route: name,
        distance: 100 + (at % 2500),
      },
      label: at % 3 === 0 ? 1 : 0,
    };
  });
}

/** Gives a model events to learn, every 60 ms until it is stopped. */
interface Swapper {
  /** Begins; returns what ends it. */
  start(): () => Promise<void>;
  close(): Promise<void>;
}

/**
 * Returns what lets a model learn: each time makes a snapshot, and the new weights make it a full one as soon as a delta would have
 * a quarter of its size. Events go straight to Kafka, so that taking them in costs this machine little.
 */
async function openSwapper(system: StartedSystem, model: string): Promise<Swapper> {
  const encoder = await createTrainingEventEncoder(system.stack.schemaRegistryUrl, PARTITIONS);
  const producer = system.kafka.producer();
  await producer.connect();
  let sent = 0;
  async function write(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const beganMs = performance.now();
      const { key, value, partition } = encoder.encode(model, newEvents(sent));
      sent += EVENTS_PER_SWAP;
      await producer.send({ topic: 'training-events.v1', messages: [{ key, value, partition }], acks: -1 });
      await pause(Math.max(0, SWAP_EVERY_MS - (performance.now() - beganMs)));
    }
  }
  return {
    start() {
      const stopping = new AbortController();
      const work = write(stopping.signal);
      work.catch(() => undefined); // the stop tells
      return () => {
        stopping.abort();
        return work;
      };
    },
    close: () => producer.disconnect(),
  };
}

/** Makes a model that learns as the other does and sends no snapshot of it: what is compared is swapping, not learning. */
async function makeQuietModel(system: StartedSystem, tableBits: number): Promise<string> {
  const model = `quiet-${String(tableBits)}`;
  const operator = system.operator(model);
  await operator.createModel({
    ...specOf('flights', model, tableBits),
    snapshots: { minIntervalMs: QUIET_INTERVAL_MS },
  });
  await operator.addVersion({ mode: 'cold' });
  return model;
}

/** What swapping the parameters of one size of table did. */
interface SizeResult {
  readonly tableBits: number;
  readonly full: number;
  readonly delta: number;
  readonly failed: number;
  readonly p99Ratio: number;
  readonly growthMb: number;
  readonly rounds: readonly Slice[];
}

async function measureSize(
  system: StartedSystem,
  tableBits: number,
  { rounds, seconds, rate }: Options<'rounds' | 'seconds' | 'rate'>,
  say: (line: string) => void,
): Promise<SizeResult> {
  const model = `swaps-${String(tableBits)}`;
  await serveModel(system, 'flights', { model, tableBits });
  const router = system.fleet.one('router');
  const pid = router.pid() ?? 0;
  const target = predictTarget(router.url, 'flights', model);
  const load = (name: string): Promise<Slice> =>
    sliceOf({ name, pid, target }, (one) => pacedLoad(one, { connections: CONNECTIONS, seconds, rate }));
  await load('warm-up');
  const slices: Slice[] = [];
  const swapper = await openSwapper(system, model);
  const quiet = await openSwapper(system, await makeQuietModel(system, tableBits));
  const before = await appliedOf(system, model);
  let firstMb: number | undefined;
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, one] of [
      ['still', quiet],
      ['swapping', swapper],
    ] as const) {
      const stop = one.start();
      slices.push(await load(name));
      await stop();
    }
    firstMb ??= residentMbOf(pid);
    const [still, swapping] = slices.slice(-2);
    say(
      `2^${String(tableBits)} round ${String(round + 1)}: p99 ${still?.p99Ms.toFixed(2) ?? ''} ms still, ${swapping?.p99Ms.toFixed(2) ?? ''} ms swapping, ${residentMbOf(pid).toFixed(0)} MB`,
    );
  }
  await Promise.all([swapper.close(), quiet.close()]);
  const after = await appliedOf(system, model);
  return {
    tableBits,
    full: after.full - before.full,
    delta: after.delta - before.delta,
    failed: slices.reduce((sum, slice) => sum + slice.failed, 0),
    p99Ratio:
      middle([slices], 'swapping', ({ p99Ms }) => p99Ms) / middle([slices], 'still', ({ p99Ms }) => p99Ms),
    growthMb: residentMbOf(pid) - (firstMb ?? NaN),
    rounds: slices,
  };
}

/** Gives a model another graph again and again while it is asked; returns how many requests failed. */
async function changeArchitectures(
  system: StartedSystem,
  count: number,
  rate: number,
  say: (line: string) => void,
): Promise<{ changes: number; failed: number; answered: number }> {
  const model = 'architectures';
  await serveModel(system, 'flights', { model, tableBits: 12, events: 1000 });
  const operator = system.operator(model);
  const router = system.fleet.one('router');
  const target = predictTarget(router.url, 'flights', model);
  let [failed, answered] = [0, 0];
  const until = { isDone: false };
  const asking = (async (): Promise<void> => {
    while (!until.isDone) {
      const load = await pacedLoad(target, { connections: CONNECTIONS, seconds: 1, rate });
      failed += load.failed;
      answered += load.answered;
    }
  })();
  asking.catch(() => undefined); // awaited below
  let stable = 1;
  try {
    for (let change = 0; change < count; change += 1) {
      const next = await operator.addVersion({ mode: 'cold', learner: { tableBits: 10 + (change % 5) } });
      await waitUntil(
        async () => {
          const url = `${router.url}/v2/models/${model}/versions/${String(next)}/ready`;
          const { status } = await system.http.send('GET', url);
          if (status !== 200) throw new Error(String(status));
        },
        { what: `version ${String(next)} to be ready`, limitMs: 20_000 },
      );
      await operator.setTraffic({ stable: next });
      const path = `${system.url('registry')}/v1/models/${model}/versions/${String(stable)}/retire`;
      await system.http.send('POST', path);
      stable = next;
      if (change % 20 === 19) say(`${String(change + 1)} architectures`);
    }
  } finally {
    until.isDone = true;
    await asking;
  }
  return { changes: count, failed, answered };
}

async function run(
  options: Options<'rounds' | 'seconds' | 'rate' | 'architectures'>,
  say: (line: string) => void,
): Promise<ProgramResult> {
  const system = await startSystem({ instances: { monitor: 0 } });
  const sizes: SizeResult[] = [];
  try {
    for (const tableBits of SIZES) sizes.push(await measureSize(system, tableBits, options, say));
    const changed = await changeArchitectures(system, options.architectures, options.rate, say);
    return {
      json: { swapEveryMs: SWAP_EVERY_MS, sizes, architectures: changed },
      summary: [
        ...sizes.map(
          ({ tableBits, full, delta, failed, p99Ratio, growthMb }) =>
            `2^${String(tableBits)} weights: ${String(full)} full and ${String(delta)} delta snapshots applied, ${String(failed)} failed, p99 ${p99Ratio.toFixed(2)} × without, ${growthMb.toFixed(0)} MB more at the end`,
        ),
        `${String(changed.changes)} architectures: ${String(changed.failed)} of ${String(changed.answered + changed.failed)} requests failed`,
      ],
      faults: [
        ...sizes.flatMap(({ tableBits, full, delta, failed, p99Ratio, growthMb }) => [
          ...(full > 0 && delta > 0
            ? []
            : [
                `2^${String(tableBits)}: ${String(full)} full and ${String(delta)} delta snapshots, wanted both`,
              ]),
          ...(failed > 0 ? [`2^${String(tableBits)}: ${String(failed)} requests failed`] : []),
          ...(p99Ratio <= P99_RATIO_MAX
            ? []
            : [
                `2^${String(tableBits)}: p99 ${p99Ratio.toFixed(2)} × without, goal ${String(P99_RATIO_MAX)}`,
              ]),
          ...(growthMb <= GROWTH_MAX_MB
            ? []
            : [`2^${String(tableBits)}: ${growthMb.toFixed(0)} MB more, allowed ${String(GROWTH_MAX_MB)}`]),
        ]),
        ...(changed.failed > 0
          ? [`${String(changed.failed)} requests failed while architectures changed`]
          : []),
      ],
    };
  } finally {
    await system.stop();
  }
}

export const program = defineProgram({
  about: 'a snapshot applied every 60 ms under constant load, and architectures changed; against none',
  options: {
    rounds: { default: 4, min: 1, max: 1000, help: 'interleaved rounds, each still and swapping' },
    seconds: { default: 8, min: 1, max: 600, help: 'length of one slice' },
    rate: { default: 500, min: 1, max: 100_000, help: 'requests a second' },
    architectures: { default: 40, min: 0, max: 10_000, help: 'changes of architecture' },
  },
  run,
});
