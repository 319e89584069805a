import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../shared/errors.ts';
import { createKafkaClient } from '../../shared/kafka/client.ts';
import { silentLog } from '../../shared/observability/log.ts';
import { SERVICE_URLS, urlVariable } from '../cli/services.ts';
import { startFleet } from '../fleet/fleet.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { makeRunDirectory } from '../local/data-directory.ts';
import { startStack } from '../local/stack.ts';
import type { RunningStack } from '../local/stack.ts';
import { ensureSetup, oneBrokerLayout } from '../topics/setup.ts';
import { FLIGHTS_MAX, FLIGHTS_SOURCE, readFlights } from './flights.ts';
import { createHttpClient } from './http-client.ts';
import { INJECT_FAILURES } from './model.ts';
import { faultsOf, summaryOf } from './result.ts';
import { createScreen } from './screen.ts';
import { tellStory } from './story.ts';

/** With fewer the flights run out before every rollout is decided. */
const FLIGHTS_MIN = 60_000;

const HELP = `usage: npm run demo [-- --flights N] [--json FILE] [--keep]

Runs everything for real on this machine: Kafka, Redis, a schema registry and the five services. Replays flights in
event time: clients ask whether a flight will be late, the truth comes at landing, the model learns from it. The
learner is killed with SIGKILL under way. Evidence alone decides: version 2 is promoted step by step, version 3 (injected:
worse) and version 4 (injected: throws on some inputs) are rolled back and learn on.

  --flights N   how many flights, 60,000 … 3,000,000 (default 60,000): fewer end before the evidence is there
  --json FILE   writes what was measured
  --keep        leaves everything running and prints where
  --help        this text`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      flights: { type: 'string', default: '60000' },
      json: { type: 'string' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const count = Number(values.flights);
  if (!Number.isInteger(count) || count < FLIGHTS_MIN || count > FLIGHTS_MAX) {
    console.error(
      `--flights ${values.flights}: allowed ${String(FLIGHTS_MIN)} … ${String(FLIGHTS_MAX)}; the rollouts need evidence from three days of flights`,
    );
    return 2;
  }
  const startMs = performance.now();
  const screen = createScreen(process.stdout, () => performance.now());
  const dataDir = makeRunDirectory();
  const http = createHttpClient(64);
  let stack: RunningStack | undefined;
  let fleet: Fleet | undefined;
  const stopAll = async (): Promise<void> => {
    http.close();
    await fleet?.stop();
    await stack?.stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      screen.say(`${signal}: stopping everything`);
      void stopAll().finally(() => {
        process.exit(130);
      });
    });
  }
  try {
    stack = await startStack({
      dataDir,
      ephemeral: true,
      preferStandardPorts: values.keep,
      onProgress: screen.say,
      env: process.env,
    });
    const kafka = createKafkaClient({
      brokers: stack.kafkaBrokers.split(','),
      clientId: 'headrace-demo',
      log: silentLog,
    });
    const setup = {
      kafka,
      schemaRegistryUrl: stack.schemaRegistryUrl,
      layout: oneBrokerLayout(8),
    };
    await ensureSetup(setup);
    screen.say('topics and schemas made');
    fleet = await startFleet({
      stack,
      dataDir,
      env: { INJECT_FAILURES },
      preferStandardPorts: values.keep,
      onProgress: screen.say,
    });
    const flights = await readFlights(count);
    screen.say(`${String(flights.length)} flights read (${FLIGHTS_SOURCE})`);
    const result = await tellStory({ fleet, stack, kafka, http, screen, flights });
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
    const seconds = Math.round((performance.now() - startMs) / 1000);
    screen.say(`\n${summaryOf(result).join('\n')}\n${String(seconds)} s in all, set-up included`);
    const faults = faultsOf(result);
    for (const fault of faults) screen.say(`NOT AS IT SHOULD BE: ${fault}`);
    if (values.keep) {
      await keepRunning(fleet, screen.say);
    } else {
      screen.say(
        '\nnext: npm run demo -- --keep leaves everything running and prints the URLs; README.md says what to try',
      );
    }
    return faults.length === 0 ? 0 : 1;
  } catch (error) {
    screen.settle();
    const kept = join(dataDir, '../../failed-demo-logs'); // the run's own directory goes with it
    cpSync(join(dataDir, 'logs'), kept, { recursive: true });
    for (const { name, url } of fleet?.all ?? []) {
      const metrics = await http.send('GET', `${url}/metrics`).catch(() => undefined);
      writeFileSync(
        join(kept, `${name}.metrics`),
        typeof metrics?.body === 'string' ? metrics.body : 'no answer',
      );
    }
    console.error(`${messageOf(error)}\nlogs: ${kept}`);
    return 1;
  } finally {
    await stopAll();
  }
}

/** Prints where everything is and resolves when the person has had enough. */
async function keepRunning(fleet: Fleet, say: (line: string) => void): Promise<void> {
  const router = fleet.one('router').url;
  say('\neverything is left running until ^C:');
  for (const { name, url } of fleet.all) say(`  ${name.padEnd(16)} ${url}`);
  say(`\nthe page:          ${fleet.one('monitor').url}/#/models/flights-late\n`);
  const moved = fleet.all.filter(({ name, url }) => SERVICE_URLS[name] !== url);
  for (const { name, url } of moved) say(`  export ${urlVariable(name)}=${url}`);
  say(`try:
  npm run -s headrace -- get flights-late -o wide
  npm run -s headrace -- predict flights-late --subject SEA-LAX -F hour=17 -F weekday=5 -F origin=SEA -F destination=LAX -F route=SEA-LAX -F distance=954
  npm run -s headrace -- history flights-late --last 10
  curl -s ${router}/v1/models/flights-late/predict -H 'content-type: application/json' -d '{"subject":"SEA-LAX","features":{"hour":17,"weekday":5,"origin":"SEA","destination":"LAX","route":"SEA-LAX","distance":954}}'`);
  await new Promise(() => {
    setInterval(() => undefined, 60_000);
  }); // a signal ends the process
}

process.exitCode = await main();
