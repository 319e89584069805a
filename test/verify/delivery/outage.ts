import { setTimeout as pause } from 'node:timers/promises';
import { waitUntil } from '../../../deploy/local/wait-until.ts';
import { createRng } from '../../../shared/domain/rng.ts';
import { serveSmallModel } from '../../support/small-model.ts';
import { untilDrained } from './drain.ts';
import type { LogWriter } from './log-writer.ts';
import { readLogs } from './read-logs.ts';
import type { World } from './world.ts';

/** What outages of ingest longer than the label window did to labels. */
export interface OutageResult {
  readonly rounds: number;
  /** Labels that were on Kafka before their window had ended. */
  readonly inTime: number;
  /** Those of them whose prediction was learned with the default label, or not at all. */
  readonly defaultedInTime: number;
  /** Predictions that never had a label and were learned with the default. */
  readonly defaultedRightly: number;
  readonly faults: readonly string[];
}

/** What the outages are made with. */
export interface OutageOptions {
  readonly seed: number;
  readonly rounds: number;
}

const MODEL = 'through-outages';
const WINDOW_MS = 4000;
const LABELLED = 120;
const UNLABELLED = 40;
const AT_ONCE = 16;
const DEFAULT_LABEL = 0;
/** The truth differs from the default, so that one cannot be taken for the other. */
const TRUTH = 1;

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/**
 * Makes outages: predictions and their labels reach Kafka within the window while the join cannot work, then ingest is
 * killed and stays away until the window is long past by every clock, with later traffic already behind it on the logs.
 */
export async function runOutages(
  world: World,
  writer: LogWriter,
  { seed, rounds }: OutageOptions,
  say: (line: string) => void,
): Promise<OutageResult> {
  const { system, links } = world;
  const rng = createRng(seed + 7);
  const ingest = system.fleet.one('ingest');
  const label = { windowMs: WINDOW_MS, onWindowEnd: 'default', defaultLabel: DEFAULT_LABEL };
  await serveSmallModel(system, MODEL, { label, predictionLog: 'acknowledged' });
  const predictedAt = new Map<string, number>();
  const inTime = new Set<string>();
  const labelled = new Set<string>();

  async function predict(id: string): Promise<void> {
    const body = { subject: 'ada', id, features: { colour: 'red' } };
    const url = `${system.url('router')}/v1/models/${MODEL}/predict`;
    const beforeMs = Date.now();
    const { status } = await system.http.send('POST', url, body);
    if (status !== 200) throw new Error(`predict: ${String(status)}`);
    predictedAt.set(`0~${id}`, beforeMs); // at the earliest: a label in time by this is in time
  }

  function written(id: string): void {
    labelled.add(id);
    if (Date.now() <= (predictedAt.get(id) ?? 0) + WINDOW_MS) inTime.add(id);
  }

  async function tell(id: string): Promise<void> {
    const url = `${world.ingestUrl}/v1/models/${MODEL}/labels`;
    const { status } = await system.http.send('POST', url, { predictionId: id, label: TRUTH });
    if (status !== 202) throw new Error(`label: ${String(status)}`);
    written(id);
  }

  /** The labels go past ingest, which is already gone. */
  async function write(id: string): Promise<void> {
    const label = { predictionId: id, label: TRUTH, observedAtMs: Date.now(), source: 'writer' };
    await writer.labels(MODEL, [label]);
    written(id);
  }

  async function round(nth: number): Promise<void> {
    const name = (kind: string, index: number): string => `${kind}-${String(nth)}-${String(index)}`;
    const ids = Array.from({ length: LABELLED }, (_, index) => name('told', index));
    const silent = Array.from({ length: UNLABELLED }, (_, index) => name('silent', index));
    const isThroughIngest = nth % 2 === 0;
    links['ingest-redis'].setBlackHole('both'); // the intake goes on, the join cannot
    if (!isThroughIngest) await ingest.kill();
    await inParallel([...ids, ...silent], predict);
    await inParallel(
      ids.map((id) => `0~${id}`),
      isThroughIngest ? tell : write,
    );
    if (isThroughIngest) await ingest.kill();
    links['ingest-redis'].setBlackHole('none'); // what the dead one had sent still arrives
    await pause(1.25 * WINDOW_MS);
    for (let index = 0; index < 20; index += 1) {
      await predict(name('later', index));
      await write(`0~${name('later', index)}`);
    }
    await pause(0.25 * WINDOW_MS);
    // It comes back over slow links and is killed once more while it catches up.
    for (const link of ['ingest-redis', 'ingest-kafka'] as const)
      links[link].setSlicing({ bytes: 400 + rng.int(2000), everyMs: 1 });
    await ingest.start();
    await ingest.untilReady().catch(() => undefined);
    await pause(rng.int(300));
    await ingest.kill();
    for (const link of ['ingest-redis', 'ingest-kafka'] as const) links[link].setSlicing(undefined);
    await ingest.start();
    await ingest.untilReady();
  }

  for (let nth = 0; nth < rounds; nth += 1) {
    await round(nth);
    say(`outage ${String(nth + 1)} of ${String(rounds)}: ${String(inTime.size)} labels were in time so far`);
  }
  const silentIds = [...predictedAt.keys()].filter((id) => !labelled.has(id));
  return finish();

  /** Lets the windows of predictions without a label end, and looks at what was learned. */
  async function finish(): Promise<OutageResult> {
    await predict('last');
    await write('0~last');
    const state = await waitUntil(() => untilDrained(system, MODEL, 5000), {
      what: `${MODEL} to drain`,
      limitMs: 60_000,
    });
    const { events } = await readLogs(system, MODEL);
    const sourcesOf = new Map<string, Set<string>>();
    for (const { id, labelSource, label: learned } of events) {
      const known = sourcesOf.get(id) ?? new Set<string>();
      sourcesOf.set(id, known.add(`${labelSource} ${String(learned)}`));
    }
    const is = (id: string, wanted: string): boolean => {
      const sources = sourcesOf.get(id);
      return sources?.size === 1 && sources.has(wanted);
    };
    const wrong = [...inTime].filter((id) => !is(id, `label ${String(TRUTH)}`));
    const notDefaulted = silentIds.filter((id) => !is(id, `default ${String(DEFAULT_LABEL)}`));
    const learned = state.versions[0]?.examplesLearned ?? 0;
    const shown = (id: string): string =>
      `${id} (${[...(sourcesOf.get(id) ?? ['not learned'])].join(' and ')})`;
    const few = (ids: readonly string[]): string => ids.slice(0, 5).map(shown).join(', ');
    const faults = [
      ...(wrong.length === 0
        ? []
        : [`${String(wrong.length)} labels in time were defaulted or lost: ${few(wrong)}`]),
      ...(inTime.size >= (rounds * LABELLED) / 2
        ? []
        : [`only ${String(inTime.size)} labels were on Kafka in time: too few to tell`]),
      ...(notDefaulted.length === 0
        ? []
        : [
            `${String(notDefaulted.length)} predictions without a label were not defaulted: ${few(notDefaulted)}`,
          ]),
      ...(learned === sourcesOf.size
        ? []
        : [`${String(learned)} examples learned, ${String(sourcesOf.size)} distinct ones are on the log`]),
    ];
    return {
      rounds,
      inTime: inTime.size,
      defaultedInTime: wrong.length,
      defaultedRightly: silentIds.length - notDefaulted.length,
      faults,
    };
  }
}
