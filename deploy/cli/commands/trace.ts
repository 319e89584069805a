import type { Command } from 'commander';
import type { Prediction } from '../../../shared/domain/events.ts';
import { PREDICTION_ID_PATTERN } from '../../../shared/domain/prediction-id.ts';
import { inContext } from '../context.ts';
import type { Context } from '../context.ts';
import { CliError, EXIT } from '../io.ts';
import type { Io } from '../io.ts';
import { duration } from '../output.ts';
import { openReader } from '../stack.ts';
import type { Reader } from '../stack.ts';

/** One station of a prediction's way. */
interface Station {
  readonly what: string;
  readonly words: string;
  readonly place: string | null;
  readonly atMs: number | null;
}

const placeOf = (source: { topic: string; partition: number; offset: number }): string =>
  `${source.topic}/${String(source.partition)}@${String(source.offset)}`;

async function findPrediction(
  reader: Reader,
  model: string,
  id: string,
): Promise<
  | { prediction: Prediction; names: readonly string[]; router: string; place: string; partition: number }
  | undefined
> {
  const partition = await reader.partitionOf('predictions.v1', model);
  for await (const { value, source } of reader.records('predictions.v1', partition)) {
    if (value.model !== model) continue;
    const prediction = value.predictions.find((one) => one.id === id);
    if (prediction !== undefined)
      return {
        prediction,
        names: value.featureNames,
        router: value.router,
        place: placeOf(source),
        partition,
      };
  }
  return undefined;
}

async function stationsOf(reader: Reader, model: string, id: string): Promise<Station[]> {
  const found = await findPrediction(reader, model, id);
  if (found === undefined)
    throw new CliError(
      `prediction ${id} of ${model} is not on predictions.v1 (kept seven days, and only with a subject)`,
      EXIT.refused,
    );
  const { prediction, names, router, place, partition } = found;
  const score = prediction.scores.find(({ version }) => version === prediction.servedVersion)?.score;
  const stations: Station[] = [
    {
      what: 'prediction',
      words: `score ${score == null ? '?' : score.toFixed(6)} by v${String(prediction.servedVersion)} on ${router}`,
      place,
      atMs: prediction.predictedAtMs,
    },
    {
      what: 'plan',
      words: `${prediction.planVersion === 0 ? 'named by the request or a target' : `plan ${String(prediction.planVersion)}`}, arm ${prediction.assignedArm} with probability ${String(prediction.assignmentProbability)}`,
      place: null,
      atMs: null,
    },
    {
      what: 'parameters',
      words: `learned to position ${String(prediction.position)}, ${duration(Math.max(0, prediction.stalenessMs))} old`,
      place: null,
      atMs: null,
    },
    {
      what: 'features',
      words: names.map((name, index) => `${name}=${String(prediction.features[index])}`).join(' '),
      place: null,
      atMs: null,
    },
  ];
  for await (const { value, source } of reader.records('labels.v1', partition)) {
    const label = value.model === model ? value.labels.find((one) => one.predictionId === id) : undefined;
    if (label === undefined) continue;
    stations.push({
      what: 'label',
      words: `${String(label.label)} from ${label.source === '' ? 'nobody named' : label.source}`,
      place: placeOf(source),
      atMs: label.observedAtMs,
    });
    break;
  }
  let learnedAt: number | undefined;
  for await (const { value, source } of reader.records('training-events.v1', partition)) {
    const event = value.model === model ? value.events.find((one) => one.id === id) : undefined;
    if (event === undefined) continue;
    learnedAt = source.offset;
    stations.push({
      what: 'event',
      words: `label ${String(event.label)} to be learned`,
      place: placeOf(source),
      atMs: source.timestampMs,
    });
    break;
  }
  if (learnedAt === undefined) {
    stations.push({
      what: 'event',
      words: 'none yet: no label has come, or its window is open',
      place: null,
      atMs: null,
    });
    return stations;
  }
  for await (const { value, source } of reader.records(
    'snapshots.v1',
    await reader.partitionOf('snapshots.v1', model),
  )) {
    if (value.model !== model || value.position <= learnedAt) continue;
    stations.push({
      what: 'snapshot',
      words: `v${String(value.version)} ${value.kind}, learned to position ${String(value.position)}: the first still kept that contains it`,
      place: placeOf(source),
      atMs: value.publishedAtMs,
    });
    break;
  }
  return stations;
}

async function trace(context: Context, model: string, id: string): Promise<void> {
  if (!PREDICTION_ID_PATTERN.test(id))
    throw new CliError(`prediction id ${id}, allowed such as 0~3f9c…, as the answer said it`, EXIT.usage);
  const reader = await openReader(context.io, [
    'predictions.v1',
    'labels.v1',
    'training-events.v1',
    'snapshots.v1',
  ]);
  const stations = await stationsOf(reader, model, id);
  const firstMs = stations[0]?.atMs ?? 0;
  context.print(stations, () =>
    stations
      .map(({ what, words, place, atMs }, index) => {
        const branch = index === 0 ? '●' : index === stations.length - 1 ? '└─' : '├─';
        const after = atMs === null || index === 0 ? '' : `  ${duration(Math.max(0, atMs - firstMs))} later`;
        const at = place === null ? '' : context.paint('quiet', `  ${place}`);
        return `${branch} ${context.paint('strong', what.padEnd(10))} ${words}${after}${at}\n`;
      })
      .join(''),
  );
}

/** Adds `trace`. */
export function traceCommand(program: Command, io: Io): void {
  program
    .command('trace <model> <prediction-id>')
    .description('follow a prediction: plan, arm, features, label, event, first snapshot that contains it')
    .addHelpText('after', "\nExamples:\n  headrace trace flights-late '0~3f9c2a1e'")
    .action((model: string, id: string, _options: object, command: Command) =>
      inContext(io, command, (context) => trace(context, model, id)),
    );
}
