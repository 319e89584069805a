import { createKafkaClient } from '../../../shared/kafka/client.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { defineProgram } from '../../support/programs.ts';
import type { ProgramResult } from '../../support/programs.ts';
import { rolloutClient } from '../../support/rollouts.ts';
import { serveSmallModel } from '../../support/small-model.ts';
import { startSystem } from '../../support/system.ts';
import type { StartedSystem } from '../../support/system.ts';
import { tampered } from './tamper.ts';
import { readHistory, walkChain } from './walk.ts';
import type { LoggedEvent } from './walk.ts';

const MODEL = 'history';
const STANDARD_REGISTRY_URL = 'http://127.0.0.1:8081/apis/ccompat/v7';

/** Makes some history: versions, rollouts that end in every way, traffic by hand. */
async function makeHistory(system: StartedSystem, tries: number): Promise<void> {
  await serveSmallModel(system, MODEL, { rollout: { triesMax: 1000, onNewerCandidate: 'replace' } });
  const operator = system.operator(MODEL);
  for (let made = 0; made < 2; made += 1) await operator.addVersion({ mode: 'copy' });
  const rollout = rolloutClient(system, MODEL);
  for (let attempt = 0; attempt < tries; attempt += 1) {
    await rollout.start(2);
    await rollout.command('promote', { to: 'next' });
    if (attempt % 3 === 0) await rollout.start(3);
    await rollout.command('pause');
    await rollout.command('resume');
    await rollout.command(attempt % 2 === 0 ? 'rollback' : 'abort');
    await operator.setTraffic({ stable: 1 });
  }
}

function summaryOf(logged: readonly LoggedEvent[], say: (line: string) => void): ProgramResult {
  const walk = walkChain(logged);
  const models = new Set(logged.flatMap((one) => ('event' in one ? [one.event.model] : [])));
  say(`${String(logged.length)} events of ${String(models.size)} models read`);
  const forgeries = tampered(logged);
  const unseen = forgeries.filter(({ log, at }) => walkChain(log).events !== at);
  const words = walk.broken ?? 'whole';
  return {
    json: {
      events: logged.length,
      models: models.size,
      whole: walk.broken === null,
      broken: walk.broken,
      forgeries: forgeries.length,
      forgeriesNamed: forgeries.length - unseen.length,
    },
    summary: [
      `${String(walk.events)} of ${String(logged.length)} links hold: the chain is ${words}`,
      `${String(forgeries.length - unseen.length)} of ${String(forgeries.length)} forgeries of copies are named at their place`,
    ],
    faults: [
      ...(walk.broken === null ? [] : [`the chain is broken at ${walk.broken}`]),
      ...unseen.map(({ what, at }) => `${what} at event ${String(at)} was not noticed there`),
    ],
  };
}

/** Walks the history of the system that KAFKA_BROKERS (and SCHEMA_REGISTRY_URL) name, or of one that it starts. */
export const program = defineProgram({
  about: 'walks the hash chain of model-versions.v1 and names the first broken link',
  options: {
    tries: {
      default: 20,
      min: 1,
      max: 500,
      help: 'rollouts of the history that is made without KAFKA_BROKERS',
    },
  },
  async run({ tries }, say) {
    const { KAFKA_BROKERS: brokers, SCHEMA_REGISTRY_URL: registryUrl = STANDARD_REGISTRY_URL } = process.env;
    if (brokers !== undefined) {
      const kafka = createKafkaClient({ brokers: brokers.split(','), clientId: 'verify', log: silentLog });
      return summaryOf(await readHistory(kafka, registryUrl), say);
    }
    const system = await startSystem({ instances: { ingest: 0, monitor: 0 } });
    try {
      await makeHistory(system, tries);
      return summaryOf(await readHistory(system.kafka, system.stack.schemaRegistryUrl), say);
    } finally {
      await system.stop();
    }
  },
});
