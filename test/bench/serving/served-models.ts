import { waitUntil } from '../../../deploy/local/wait-until.ts';
import { flightsModel } from '../../../deploy/demo/model.ts';
import { createRng } from '../../../shared/domain/rng.ts';
import type { ProducedEvent } from '../../../shared/events/training-event-encoder.ts';
import type { StartedSystem } from '../../support/system.ts';
import { writeLog } from '../stream-runs/write-log.ts';
import type { Target } from './target.ts';

const AIRPORTS =
  'ATL BOS CLT DEN DFW DTW EWR FLL IAD IAH JFK LAS LAX LGA MCO MDW MIA MSP ORD PHL PHX SAN SEA SFO'.split(
    ' ',
  );
const BODIES = 500;
const EVENTS_PER_RECORD = 100;
const FLOATS = 32;

/** Names of the cases. */
export const CASE_NAMES = ['flights', 'floats'] as const;
/** `flights`: 6 features, categorical and numeric, with 2 crosses; `floats`: 32 numbers. */
export type CaseName = (typeof CASE_NAMES)[number];

/** Features of one row. */
export type Features = Record<string, string | number>;

/** Returns seeded rows of a case. */
export function rowsOf(name: CaseName, count: number, seed: number): Features[] {
  const rng = createRng(seed);
  const airport = (): string => AIRPORTS[rng.int(AIRPORTS.length)] ?? '';
  return Array.from({ length: count }, () => {
    if (name === 'floats')
      return Object.fromEntries(
        Array.from({ length: FLOATS }, (_, at) => [
          `x${String(at)}`,
          Math.round((rng.next() - 0.5) * 2e6) / 1e6,
        ]),
      );
    const [origin, destination] = [airport(), airport()];
    const route = `${origin}-${destination}`;
    return {
      hour: rng.int(24),
      weekday: rng.int(7),
      origin,
      destination,
      route,
      distance: 100 + rng.int(2500),
    };
  });
}

/** Returns the spec of a model of a case. */
export function specOf(name: CaseName, model: string, tableBits = 18): object {
  const learner = { ...flightsModel.learner, tableBits };
  if (name === 'flights') return { ...flightsModel, name: model, learner };
  const features = Array.from({ length: FLOATS }, (_, at) => ({ name: `x${String(at)}`, type: 'numeric' }));
  return { ...flightsModel, name: model, features, crosses: [], learner };
}

/** Returns where predictions of a model are asked for, and what for. */
export function predictTarget(url: string, name: CaseName, model: string): Target {
  return {
    url,
    path: `/v1/models/${model}/predict`,
    bodies: rowsOf(name, BODIES, 2).map((features, at) =>
      JSON.stringify({ subject: `subject-${String(at)}`, features }),
    ),
  };
}

/** Returns requests for so many rows each by the Open Inference Protocol, a column a feature. */
export function inferTarget(url: string, path: string, name: CaseName, rowsEach: number): Target {
  const rows = rowsOf(name, Math.min(BODIES, 40) * rowsEach, 3);
  const bodies: string[] = [];
  for (let from = 0; from < rows.length; from += rowsEach) {
    const some = rows.slice(from, from + rowsEach);
    const inputs = Object.keys(some[0] ?? {}).map((feature) => {
      const data = some.map((row) => row[feature] ?? 0);
      const isText = typeof data[0] === 'string';
      const isCategory = name === 'flights' && feature !== 'distance';
      return {
        name: feature,
        shape: [some.length],
        datatype: isText ? 'BYTES' : isCategory ? 'INT64' : 'FP64',
        data,
      };
    });
    bodies.push(JSON.stringify({ inputs }));
  }
  return { url, path, bodies };
}

/**
 * Makes a model with so many versions that have learned 20,000 events each, version 1 stable; resolves when every router serves
 * what it learned.
 */
export async function serveModel(
  system: StartedSystem,
  name: CaseName,
  options: { model: string; versions?: number; events?: number; tableBits?: number },
): Promise<void> {
  const { model, versions = 1, events = 20_000, tableBits } = options;
  const operator = system.operator(model);
  await operator.createModel(specOf(name, model, tableBits));
  for (let version = 1; version <= versions; version += 1) await operator.addVersion({ mode: 'cold' });
  await operator.setTraffic({ stable: 1 });
  const rng = createRng(5);
  const learned: ProducedEvent[] = rowsOf(name, events, 1).map((features, at) => ({
    id: `event-${String(at)}`,
    subject: `subject-${String(at)}`,
    eventTimeMs: 1_790_000_000_000 + at,
    features,
    label: rng.next() < 0.3 ? 1 : 0,
  }));
  const end = await writeLog(system, model, learned, EVENTS_PER_RECORD);
  for (const router of system.fleet.all.filter((one) => one.name === 'router')) {
    await waitUntil(
      async () => {
        const body = { subject: 'probe', features: rowsOf(name, 1, 1)[0] };
        const answer = await system.http.send('POST', `${router.url}/v1/models/${model}/predict`, body);
        const { snapshotPosition = -1 } = answer.body as { snapshotPosition?: number };
        if (snapshotPosition < end)
          throw new Error(`${String(answer.status)} ${JSON.stringify(answer.body)}, wanted ${String(end)}`);
      },
      { what: `${router.url} to serve ${model}`, limitMs: 60_000, everyMs: 100 },
    );
  }
}
