import { defineProgram } from '../../support/programs.ts';
import type { Options, ProgramResult } from '../../support/programs.ts';
import { startSystem } from '../../support/system.ts';
import { median } from '../learner-core/compare.ts';
import { emptyRunCpuSeconds, runLearner } from '../stream-runs/learner-run.ts';
import type { LearnerRun } from '../stream-runs/learner-run.ts';
import { wideEvents, wideModel } from '../stream-runs/synthetic-model.ts';
import { logEnd, writeLog } from '../stream-runs/write-log.ts';

const EVENTS_PER_RECORD = 32;
/** Cost may grow so much from the first to the last row of a dimension before it is not called flat. */
const FLAT_RATIO = 1.5;

/** One row of the table. */
interface Case {
  readonly dimension: 'events' | 'features' | 'versions' | 'models';
  readonly events: number;
  readonly features: number;
  readonly versions: number;
  readonly models: number;
}

interface Row extends Case {
  readonly runs: readonly LearnerRun[];
  readonly microsPerEvent: number;
  readonly microsPerEventAndVersion: number;
  readonly microsPerEventAndFeature: number;
  readonly residentMb: number;
}

function casesOf(events: number): Case[] {
  const base = { events, features: 8, versions: 1, models: 1 };
  return [
    ...[1, 2, 4].map((times) => ({ ...base, dimension: 'events' as const, events: events * times })),
    ...[4, 8, 16, 32].map((features) => ({ ...base, dimension: 'features' as const, features })),
    ...[1, 2, 4].map((versions) => ({ ...base, dimension: 'versions' as const, versions })),
    ...[1, 10, 100].map((models) => ({ ...base, dimension: 'models' as const, models })),
  ];
}

async function measure(one: Case, rounds: number): Promise<Row> {
  const system = await startSystem({
    instances: { router: 0, ingest: 0, monitor: 0 },
    env: { MILESTONE_EVENTS: '1000000000' },
  });
  try {
    const names = Array.from({ length: one.models }, (_, index) => `model-${String(index)}`);
    for (const name of names) {
      const operator = system.operator(name);
      await operator.createModel(wideModel(name, one.features, one.models > 10 ? 14 : 18));
      await operator.addVersion({ mode: 'cold' });
      for (let version = 2; version <= one.versions; version += 1)
        await operator.addVersion({ mode: 'cold' });
    }
    const startCpu = await emptyRunCpuSeconds(system, names, 3);
    const perModel = Math.ceil(one.events / one.models);
    for (const [seed, name] of names.entries())
      await writeLog(system, name, wideEvents(perModel, one.features, seed), EVENTS_PER_RECORD);
    const targets = new Map<string, number>();
    for (const name of names) targets.set(name, await logEnd(system, name));
    await runLearner(system, targets); // warm-up: compiled code is kept
    const runs: LearnerRun[] = [];
    for (let round = 0; round < rounds; round += 1) runs.push(await runLearner(system, targets));
    const seconds = median(runs.map(({ cpuSeconds }) => cpuSeconds - startCpu));
    const microsPerEvent = (1e6 * seconds) / (perModel * one.models);
    return {
      ...one,
      runs,
      microsPerEvent,
      microsPerEventAndVersion: microsPerEvent / one.versions,
      microsPerEventAndFeature: microsPerEvent / one.features,
      residentMb: median(runs.map(({ residentMb }) => residentMb)),
    };
  } finally {
    await system.stop();
  }
}

/** Returns what is not flat: cost per event over events and models, per event and version over versions, per feature over features. */
function faultsOf(rows: readonly Row[]): string[] {
  const cost: Readonly<Record<Case['dimension'], (row: Row) => number>> = {
    events: ({ microsPerEvent }) => microsPerEvent,
    models: ({ microsPerEvent }) => microsPerEvent,
    versions: ({ microsPerEventAndVersion }) => microsPerEventAndVersion,
    features: ({ microsPerEventAndFeature }) => microsPerEventAndFeature,
  };
  return Object.entries(cost).flatMap(([dimension, of]) => {
    const values = rows.filter((row) => row.dimension === dimension).map(of);
    const ratio = (values.at(-1) ?? NaN) / (values[0] ?? NaN);
    return ratio <= FLAT_RATIO
      ? []
      : [`cost over ${dimension} grows ${ratio.toFixed(2)} ×, flat is up to ${String(FLAT_RATIO)} ×`];
  });
}

function line({ dimension, events, features, versions, models, ...row }: Row): string {
  const place = [events, features, versions, models].map((count) => String(count).padStart(9)).join('');
  const cost = [row.microsPerEvent, row.microsPerEventAndVersion]
    .map((micros) => micros.toFixed(2).padStart(9))
    .join('');
  return `${dimension.padEnd(10)}${place}${cost}${String(row.residentMb).padStart(9)}`;
}

async function run(
  { events, rounds }: Options<'events' | 'rounds'>,
  say: (line: string) => void,
): Promise<ProgramResult> {
  const rows: Row[] = [];
  for (const one of casesOf(events)) {
    const row = await measure(one, rounds);
    rows.push(row);
    say(line(row));
  }
  return {
    json: { events, flatRatio: FLAT_RATIO, rows },
    summary: [
      'grows        events features versions   models µs/event µs/e/ver. memory MB',
      ...rows.map(line),
    ],
    faults: faultsOf(rows),
  };
}

export const program = defineProgram({
  about: 'cost of an event against events, features, live versions and models',
  options: {
    events: { default: 1_000_000, min: 2000, max: 2_000_000, help: 'events of the smallest case' },
    rounds: { default: 3, min: 1, max: 50, help: 'runs of each case, their median counts' },
  },
  run,
});
