import { waitUntil } from '../../../deploy/local/wait-until.ts';
import { serveSmallModel, untilLearned } from '../../support/small-model.ts';
import { untilDrained } from './drain.ts';
import type { LabelIntent } from './history.ts';
import type { LogWriter } from './log-writer.ts';
import type { World } from './world.ts';

/** What ingest's counters said of labels whose fate is known. */
export interface CounterCheck {
  /** By how much each outcome of the join rose. */
  readonly counted: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
}

const MODEL = 'counted-in-calm';
const WINDOW_MS = 3_600_000;
/** What is left of the window of a prediction whose label is observed too late, but comes before its window is closed. */
const LEFT_MS = 60_000;
/** How many labels of each kind; different numbers, so that none can stand for another. */
const SENT: Readonly<Record<LabelIntent, number>> = { plain: 11, early: 7, second: 5, late: 3, unknown: 2 };

async function readOutcomes(world: World): Promise<Record<string, number>> {
  const { body } = await world.system.http.send('GET', `${world.system.url('ingest')}/metrics`);
  const found: Record<string, number> = {};
  for (const [, outcome = '', count] of String(body).matchAll(
    /^headrace_ingest_join_total\{outcome="(\w+)"\} (\d+)/gm,
  ))
    found[outcome] = Number(count);
  return found;
}

/**
 * Sends labels of every kind without any fault, and holds ingest's own counters to what they are: under faults a counter
 * says less, because it begins again with its process.
 */
export async function checkCounters(world: World, writer: LogWriter): Promise<CounterCheck> {
  const { system } = world;
  await serveSmallModel(system, MODEL, { label: { windowMs: WINDOW_MS }, predictionLog: 'acknowledged' });
  await untilDrained(system, MODEL, 30_000); // the prediction that asked whether it is served is one as well
  const base = `/v1/models/${MODEL}`;
  const send = async (url: string, body: object, wanted: number): Promise<void> => {
    const { status, body: answer } = await system.http.send('POST', url, body);
    if (status !== wanted) throw new Error(`${url}: ${String(status)} ${JSON.stringify(answer)}`);
  };
  const predict = (id: string): Promise<void> =>
    send(`${system.url('router')}${base}/predict`, { subject: 'ada', id, features: { colour: 'red' } }, 200);
  const tell = (id: string, label: number, more: object = {}): Promise<void> =>
    send(`${world.ingestUrl}${base}/labels`, { predictionId: `0~${id}`, label, ...more }, 202);
  const each = async (intent: LabelIntent, work: (id: string) => Promise<void>): Promise<void> => {
    for (let nth = 0; nth < SENT[intent]; nth += 1) await work(`${intent}-${String(nth)}`);
  };
  const { plain, early, second, late, unknown } = SENT;
  const expected: Record<string, number> = {
    joined: plain + early + second,
    early: early + unknown,
    second,
    late,
    open: plain + second + late, // the predictions; those after an early label are joined at once
  };
  const before = await readOutcomes(world);
  const rise = async (): Promise<Record<string, number>> => {
    const now = await readOutcomes(world);
    return Object.fromEntries(
      Object.keys(expected).map((outcome) => [outcome, (now[outcome] ?? 0) - (before[outcome] ?? 0)]),
    );
  };
  const until = async (outcome: string, count: number): Promise<void> => {
    await waitUntil(
      async () => {
        const now = (await rise())[outcome] ?? 0;
        if (now < count) throw new Error(`${String(now)} of ${String(count)}`);
      },
      { what: `ingest to count ${outcome}`, limitMs: 30_000, everyMs: 100 },
    );
  };
  await each('early', (id) => tell(id, 1));
  await each('unknown', (id) => tell(id, 1));
  await until('early', early + unknown);
  await each('plain', predict);
  await each('second', predict);
  await each('late', (id) => writer.prediction(MODEL, `0~${id}`, Date.now() - WINDOW_MS + LEFT_MS));
  await until('open', plain + second + late);
  await each('early', predict);
  await each('plain', (id) => tell(id, 1));
  await each('late', (id) => tell(id, 1, { observedAtMs: Date.now() + 2 * LEFT_MS }));
  await each('second', (id) => tell(id, 1));
  await each('second', (id) => tell(id, 0));
  await until('second', second);
  await until('late', late);
  await untilLearned(system, MODEL, plain + early + second);
  const counted = await rise();
  const faults = Object.entries(expected)
    .filter(([outcome, count]) => counted[outcome] !== count)
    .map(
      ([outcome, count]) =>
        `in calm ingest counted ${String(counted[outcome])} times ${outcome}, not ${String(count)}`,
    );
  return { counted, faults };
}
