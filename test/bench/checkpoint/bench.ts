import { createFeatureEncoder } from '../../../shared/domain/feature-encoder.ts';
import type { FeatureSpec } from '../../../shared/domain/model-spec.ts';
import { defineProgram } from '../../support/programs.ts';
import type { Options, ProgramResult } from '../../support/programs.ts';
import { startSystem } from '../../support/system.ts';
import { median } from '../learner-core/compare.ts';
import { idleStartCpuSeconds, runLearner } from '../stream-runs/learner-run.ts';
import type { LearnerRun } from '../stream-runs/learner-run.ts';
import { wideEvents, wideModel } from '../stream-runs/synthetic-model.ts';
import { writeLog } from '../stream-runs/write-log.ts';

const FEATURES = 8;
const EVENTS_PER_RECORD = 32;
const SHARE_GOAL = 0.03;
/** Fewer checkpoints in a run say nothing of what they cost. */
const CHECKPOINTS_MIN = 2;
/** A large table's checkpoints are many seconds apart: a run has to be so many times as long to show what they cost. */
const SIZES = [
  { tableBits: 18, times: 1 },
  { tableBits: 22, times: 5 },
] as const;
/** w, z and n of one weight, bytes. */
const WEIGHT_BYTES = 12;
const EVERY_SECOND = { CHECKPOINT_INTERVAL_MS: '1000' };
const NEVER = { CHECKPOINT_INTERVAL_MS: '600000' };

/** What one size of table showed. */
interface Size {
  readonly tableBits: number;
  readonly rounds: readonly { readonly with: LearnerRun; readonly without: LearnerRun }[];
  /** Share of the learning thread's time that checkpoints kept, by its own clock. */
  readonly busyShare: number;
  /** CPU time with checkpoints over CPU time without, less one. */
  readonly cpuShare: number;
  readonly wallShare: number;
  readonly checkpoints: number;
  readonly writtenBytesPerCheckpoint: number;
  readonly changedBytesPerCheckpoint: number;
}

/** Returns the bytes of weights that events touch between two checkpoints, on average. */
function changedBytes(count: number, tableBits: number, eventsPerCheckpoint: number): number {
  const features = Array.from({ length: FEATURES }, (_, at): FeatureSpec => ({
    name: `f${String(at)}`,
    type: 'categorical',
  }));
  const encoder = createFeatureEncoder(features, [], tableBits);
  const indices = new Int32Array(encoder.width);
  const values = new Float32Array(encoder.width);
  const scaling = { means: new Float64Array(), invStds: new Float64Array() };
  const counts: number[] = [];
  let touched = new Set<number>();
  let at = 0;
  for (const event of wideEvents(count, FEATURES, tableBits)) {
    encoder.encode(
      features.map(({ name }) => event.features[name]),
      scaling,
      indices,
      values,
      0,
    );
    for (const index of indices) touched.add(index);
    at += 1;
    if (at % eventsPerCheckpoint !== 0) continue;
    counts.push(touched.size);
    touched = new Set();
  }
  const mean = counts.reduce((sum, count) => sum + count, 0) / Math.max(1, counts.length);
  return Math.round(WEIGHT_BYTES * mean);
}

async function measure(
  tableBits: number,
  { events, rounds }: Options<'events' | 'rounds'>,
  say: (line: string) => void,
): Promise<Size> {
  const system = await startSystem({
    instances: { router: 0, ingest: 0, monitor: 0 },
    env: { MILESTONE_EVENTS: '1000000000' },
  });
  try {
    const model = `table-${String(tableBits)}`;
    const operator = system.operator(model);
    await operator.createModel(wideModel(model, FEATURES, tableBits));
    await operator.addVersion({ mode: 'cold' });
    const startCpu = await idleStartCpuSeconds(system, 3);
    const produced = wideEvents(events, FEATURES, tableBits);
    const targets = new Map([[model, await writeLog(system, model, produced, EVENTS_PER_RECORD)]]);
    say(`2^${String(tableBits)}: ${String(events)} events are on Kafka`);
    const raw: { with: LearnerRun; without: LearnerRun }[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const kept = await runLearner(system, targets, EVERY_SECOND);
      const bare = await runLearner(system, targets, NEVER);
      say(
        `2^${String(tableBits)}, ${round === 0 ? 'warm-up, not counted' : `round ${String(round)}`}: with ${(kept.cpuSeconds - startCpu).toFixed(2)} s CPU, ${kept.wallSeconds.toFixed(2)} s wall, ${String(kept.checkpoints)} checkpoints that kept the thread ${(1000 * kept.checkpointBusySeconds).toFixed(0)} ms; without ${(bare.cpuSeconds - startCpu).toFixed(2)} s CPU, ${bare.wallSeconds.toFixed(2)} s wall`,
      );
      if (round > 0) raw.push({ with: kept, without: bare });
    }
    const of = (pick: (one: (typeof raw)[number]) => number): number => median(raw.map(pick));
    const checkpoints = of((one) => one.with.checkpoints);
    return {
      tableBits,
      rounds: raw,
      busyShare: of((one) => one.with.checkpointBusySeconds / one.with.wallSeconds),
      cpuShare:
        of((one) => one.with.cpuSeconds - startCpu) / of((one) => one.without.cpuSeconds - startCpu) - 1,
      wallShare: of((one) => one.with.wallSeconds) / of((one) => one.without.wallSeconds) - 1,
      checkpoints,
      writtenBytesPerCheckpoint: Math.round(of((one) => one.with.checkpointBytes) / Math.max(1, checkpoints)),
      changedBytesPerCheckpoint: changedBytes(
        events,
        tableBits,
        Math.ceil(events / Math.max(1, checkpoints)),
      ),
    };
  } finally {
    await system.stop();
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

async function run(
  options: Options<'events' | 'rounds'>,
  say: (line: string) => void,
): Promise<ProgramResult> {
  const sizes: Size[] = [];
  for (const { tableBits, times } of SIZES)
    sizes.push(await measure(tableBits, { ...options, events: times * options.events }, say));
  return {
    json: { events: options.events, goalShare: SHARE_GOAL, sizes },
    summary: sizes.map(
      (size) =>
        `2^${String(size.tableBits)} weights: checkpoints keep the learning thread for ${percent(size.busyShare)} of its time (goal ${percent(SHARE_GOAL)}); CPU ${percent(size.cpuShare)}, wall ${percent(size.wallShare)} more than without; ${String(size.checkpoints)} checkpoints, ${String(size.writtenBytesPerCheckpoint)} bytes written each for ${String(size.changedBytesPerCheckpoint)} bytes of weights changed`,
    ),
    faults: sizes.flatMap(({ tableBits, busyShare, checkpoints }) => [
      ...(busyShare > SHARE_GOAL
        ? [`2^${String(tableBits)} weights: ${percent(busyShare)}, goal ${percent(SHARE_GOAL)}`]
        : []),
      ...(checkpoints < CHECKPOINTS_MIN
        ? [
            `2^${String(tableBits)} weights: ${String(checkpoints)} checkpoints show nothing: take more --events`,
          ]
        : []),
    ]),
  };
}

export const program = defineProgram({
  about: 'learning with and without checkpoints (fsync always): share of the time, bytes written',
  options: {
    events: { default: 4_000_000, min: 10_000, max: 10_000_000, help: 'events of 8 features' },
    rounds: { default: 3, min: 1, max: 100, help: 'rounds with and without, interleaved' },
  },
  run,
});
