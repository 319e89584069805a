import { readFlights } from '../../../deploy/demo/flights.ts';
import { flightsModel } from '../../../deploy/demo/model.ts';
import { defineProgram } from '../../support/programs.ts';
import type { Options, ProgramResult } from '../../support/programs.ts';
import { startSystem } from '../../support/system.ts';
import { median } from '../learner-core/compare.ts';
import { dataFiles } from '../learner-core/data-files.ts';
import { comparisonPython } from '../learner-core/python-tools.ts';
import type { Usage } from '../learner-core/python-tools.ts';
import { vwSlice } from '../learner-core/sides.ts';
import { idleStartCpuSeconds, runLearner } from '../stream-runs/learner-run.ts';
import type { LearnerRun } from '../stream-runs/learner-run.ts';
import { writeLog } from '../stream-runs/write-log.ts';

/** Events a record, and the least share of vw's speed that is wanted. */
const SHAPES = [
  { eventsPerRecord: 32, goal: 1 },
  { eventsPerRecord: 1, goal: 0.5 },
] as const;

/** What one shape of record showed. */
interface Shape {
  readonly eventsPerRecord: number;
  readonly goal: number;
  readonly rounds: readonly { readonly ours: LearnerRun; readonly vw: Usage }[];
  readonly startCpuSeconds: number;
  readonly oursEventsPerCpuSecond: number;
  readonly vwEventsPerCpuSecond: number;
  readonly ratioCpu: number;
  readonly ratioWall: number;
}

async function measure(
  { eventsPerRecord, goal }: (typeof SHAPES)[number],
  { events, rounds }: Options<'events' | 'rounds'>,
  say: (line: string) => void,
): Promise<Shape> {
  const python = await comparisonPython();
  const files = await dataFiles('flights', events);
  const system = await startSystem({
    instances: { router: 0, ingest: 0, monitor: 0 },
    env: { MILESTONE_EVENTS: '1000000000' },
  });
  try {
    const operator = system.operator(flightsModel.name);
    await operator.createModel(flightsModel);
    await operator.addVersion({ mode: 'cold' });
    const startCpuSeconds = await idleStartCpuSeconds(system, 3);
    const produced = (await readFlights(events)).map(({ id, route, landingMs, features, label }) => ({
      id,
      subject: route,
      eventTimeMs: landingMs,
      features,
      label,
    }));
    const end = await writeLog(system, flightsModel.name, produced, eventsPerRecord);
    say(`${String(events)} events in records of ${String(eventsPerRecord)} are on Kafka`);
    const vwStart = (await vwSlice(python, 'flights', files.noRows, [])).usage;
    const raw: { ours: LearnerRun; vw: Usage }[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const ours = await runLearner(system, new Map([[flightsModel.name, end]]));
      const { usage } = await vwSlice(python, 'flights', files.rows, []);
      const vw = {
        cpuSeconds: usage.cpuSeconds - vwStart.cpuSeconds,
        wallSeconds: usage.wallSeconds - vwStart.wallSeconds,
      };
      const words = `ours ${(ours.cpuSeconds - startCpuSeconds).toFixed(2)} s CPU, ${ours.wallSeconds.toFixed(2)} s wall; vw ${vw.cpuSeconds.toFixed(2)} s CPU, ${vw.wallSeconds.toFixed(2)} s wall`;
      say(`${round === 0 ? 'warm-up, not counted' : `round ${String(round)}`}: ${words}`);
      if (round > 0) raw.push({ ours, vw });
    }
    const oursCpu = median(raw.map(({ ours }) => ours.cpuSeconds - startCpuSeconds));
    const vwCpu = median(raw.map(({ vw }) => vw.cpuSeconds));
    return {
      eventsPerRecord,
      goal,
      rounds: raw,
      startCpuSeconds,
      oursEventsPerCpuSecond: Math.round(events / oursCpu),
      vwEventsPerCpuSecond: Math.round(events / vwCpu),
      ratioCpu: vwCpu / oursCpu,
      ratioWall:
        median(raw.map(({ vw }) => vw.wallSeconds)) / median(raw.map(({ ours }) => ours.wallSeconds)),
    };
  } finally {
    await system.stop();
  }
}

async function run(
  options: Options<'events' | 'rounds'>,
  say: (line: string) => void,
): Promise<ProgramResult> {
  const shapes: Shape[] = [];
  for (const shape of SHAPES) shapes.push(await measure(shape, options, say));
  return {
    json: { events: options.events, shapes },
    summary: shapes.map(
      ({ eventsPerRecord, ratioCpu, ratioWall, oursEventsPerCpuSecond, vwEventsPerCpuSecond, goal }) =>
        `records of ${String(eventsPerRecord)}: ${ratioCpu.toFixed(2)} × vw by CPU, ${ratioWall.toFixed(2)} × by wall (goal ${goal.toFixed(1)}); ${String(oursEventsPerCpuSecond)} against ${String(vwEventsPerCpuSecond)} events a CPU-second`,
    ),
    faults: shapes
      .filter(({ ratioCpu, goal }) => ratioCpu < goal)
      .map(
        ({ eventsPerRecord, ratioCpu, goal }) =>
          `records of ${String(eventsPerRecord)}: ${ratioCpu.toFixed(2)} × vw, goal ${goal.toFixed(1)}`,
      ),
  };
}

export const program = defineProgram({
  about: 'events on Kafka, fetched, decoded, hashed, learned, checkpointed, against vw reading a file',
  options: {
    events: { default: 3_000_000, min: 10_000, max: 3_000_000, help: 'flights' },
    rounds: { default: 5, min: 1, max: 100, help: 'rounds of each side, interleaved' },
  },
  run,
});
