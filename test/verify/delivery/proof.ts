import { defineProgram } from '../../support/programs.ts';
import type { ProgramResult } from '../../support/programs.ts';
import { checkCounters } from './counters.ts';
import { runUnderFaults } from './faulty-run.ts';
import { createLogWriter } from './log-writer.ts';
import { runOutages } from './outage.ts';
import { startWorld } from './world.ts';

/** What a proof is run with. */
interface DeliveryOptions {
  readonly faults: number;
  readonly outages: number;
  readonly seed: number;
}

function listed(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([name, count]) => `${name} ${String(count)}`)
    .join(', ');
}

/** Runs the whole proof on a system of its own and returns what was found. */
async function proveDelivery(
  { faults: wanted, outages, seed }: DeliveryOptions,
  say: (line: string) => void,
): Promise<ProgramResult> {
  const startMs = performance.now();
  const world = await startWorld();
  try {
    say(`the system runs; seed ${String(seed)}`);
    const writer = await createLogWriter(world.system);
    const run = await runUnderFaults(world, writer, { seed, faults: wanted }, say);
    const counters = await checkCounters(world, writer);
    const outage = await runOutages(world, writer, { seed, rounds: outages }, say);
    await writer.close();
    const unused = Object.entries(world.links).filter(([, link]) => link.passed() === 0);
    const faults = [
      ...run.faults,
      ...counters.faults,
      ...outage.faults,
      ...unused.map(([name]) => `nothing went through the link ${name}: its faults met nobody`),
    ];
    const { injected, history, judgement } = run;
    const seconds = Math.round((performance.now() - startMs) / 100) / 10;
    const json = {
      faults: run.faultCount,
      kinds: injected.kinds,
      places: injected.places,
      faultsThatMetNothing: injected.missed,
      eventsAcknowledged: judgement.eventsAcknowledged,
      eventsApplied: judgement.eventsApplied,
      eventsLost: judgement.eventsLost,
      eventsDoubled: judgement.eventsDoubled,
      labelsAcknowledged: judgement.labelsAcknowledged,
      labelsJoined: judgement.labelsJoined,
      labelsCounted: judgement.labelsCounted,
      labelsLost: judgement.labelsLost,
      labelsDoubled: judgement.labelsDoubled,
      repeatsOnLog: judgement.repeatsOnLog,
      examplesLearned: run.examplesLearned,
      screened: run.screened,
      replayIsIdentical: run.isReplayIdentical,
      countersInCalm: counters.counted,
      outages: outage.rounds,
      inTimeThroughOutages: outage.inTime,
      defaultedInTime: outage.defaultedInTime,
      defaultedRightly: outage.defaultedRightly,
      requests: history.requests,
      retries: history.retries,
      timeouts: history.timeouts,
      endedByThemselves: injected.ended,
      slowestReturnMs: injected.slowestMs,
      faultSeconds: run.faultSeconds,
      drainSeconds: run.drainSeconds,
      seed,
      seconds,
      holds: faults.length === 0,
    };
    const { labelsCounted } = judgement;
    const summary = [
      `${String(run.faultCount)} faults in ${String(run.faultSeconds)} s: ${listed(injected.kinds)}`,
      `  on ${listed(injected.places)}; ${String(injected.missed)} more met nothing and do not count`,
      `${String(history.requests)} requests to ingest, ${String(history.retries)} of them repeated, ${String(history.timeouts)} given up without an answer`,
      `${String(judgement.eventsAcknowledged)} events acknowledged: ${String(judgement.eventsLost)} lost, ${String(judgement.eventsDoubled)} in effect twice`,
      `${String(judgement.labelsAcknowledged)} labels acknowledged: ${String(judgement.labelsJoined)} joined, ${listed(labelsCounted)}; ${String(judgement.labelsLost)} lost, ${String(judgement.labelsDoubled)} in effect twice`,
      `${String(judgement.repeatsOnLog)} repeats on training-events.v1, passed over; ${String(run.examplesLearned)} examples learned; learned again from the log: ${run.isReplayIdentical ? 'identical' : 'not identical'}`,
      `${String(outage.rounds)} outages of ingest longer than the label window: ${String(outage.defaultedInTime)} of ${String(outage.inTime)} labels in time were defaulted; ${String(outage.defaultedRightly)} predictions without a label were`,
      ...(injected.ended.length === 0 ? [] : [`ended by themselves: ${injected.ended.join(', ')}`]),
    ];
    return { json, summary, faults };
  } finally {
    await world.stop();
  }
}

/** The proof of delivery, for the command line. */
export const program = defineProgram({
  about: 'what is acknowledged is learned once, whatever is killed and however the network behaves',
  options: {
    faults: { default: 2000, min: 4, max: 100_000, help: 'faults to inject' },
    outages: { default: 4, min: 0, max: 1000, help: 'outages of ingest longer than the label window' },
    seed: { default: 1, min: 0, max: 2 ** 31 - 1, help: 'seed of faults and clients' },
  },
  run: proveDelivery,
});
