import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { PredictionAnswer } from '../../../shared/client/model-client.ts';
import type { FeatureSpec } from '../../../shared/domain/model-spec.ts';
import { collect, pairsOf, wholeNumber } from '../arguments.ts';
import { inContext } from '../context.ts';
import type { Context } from '../context.ts';
import { CliError, EXIT } from '../io.ts';
import type { Io } from '../io.ts';
import { createLiveText } from '../live-text.ts';
import { count, duration } from '../output.ts';
import type { ModelView } from '../overview.ts';
import { openRows } from '../rows.ts';
import type { FileRow } from '../rows.ts';
import { modelPath } from '../services.ts';

interface PredictOptions {
  readonly subject: string;
  readonly id?: string;
  readonly feature: readonly string[];
}

async function predict(context: Context, model: string, options: PredictOptions): Promise<void> {
  const { subject, id, feature } = options;
  const body = { subject, features: pairsOf(feature), ...(id === undefined ? {} : { id }) };
  const answer = await context.services.ask<PredictionAnswer>('router', modelPath(model, '/predict'), {
    method: 'POST',
    body,
  });
  context.print(answer, () =>
    [
      `score ${answer.score.toFixed(6)} by v${String(answer.version)} (${answer.arm}), parameters ${duration(answer.stalenessMs)} old, to position ${String(answer.snapshotPosition)}`,
      `prediction ${answer.predictionId}`,
      `  headrace feedback ${model} '${answer.predictionId}' 1   tells the truth`,
      `  headrace trace ${model} '${answer.predictionId}'        follows it`,
      '',
    ].join('\n'),
  );
}

async function feedback(context: Context, model: string, predictionId: string, label: string): Promise<void> {
  if (label !== '0' && label !== '1') throw new CliError(`label ${label}, allowed 0 or 1`, EXIT.usage);
  const body = { predictionId, label: Number(label) };
  const answer = await context.services.ask<{ accepted: number }>('ingest', modelPath(model, '/labels'), {
    method: 'POST',
    body,
  });
  context.print(answer, () => `label ${label} of ${predictionId} is taken\n`);
}

/** Which columns of a file are what. */
export interface ColumnOptions {
  readonly label: string;
  readonly subject: string;
  readonly id?: string;
  readonly time?: string;
}

/**
 * Returns a row as a training event. Its id is the column's, or made of the file and the row's number, so that the same row
 * sent again is the same event.
 */
export function eventOf(
  row: FileRow,
  number: number,
  features: readonly FeatureSpec[],
  columns: ColumnOptions,
  fileId: string,
): object {
  const cell = (column: string): unknown => {
    if (!(column in row))
      throw new CliError(
        `row ${String(number + 1)} has no column ${column}, it has ${Object.keys(row).join(', ')}`,
        EXIT.refused,
      );
    return row[column];
  };
  // Rows that are events already go as they are.
  if (typeof row['features'] === 'object' && row['features'] !== null)
    return { id: `${fileId}-${String(number)}`, ...row };
  return {
    id: columns.id === undefined ? `${fileId}-${String(number)}` : String(cell(columns.id)),
    subject: String(columns.subject in row ? row[columns.subject] : `${fileId}-${String(number)}`),
    ...(columns.time === undefined ? {} : { eventTimeMs: cell(columns.time) }),
    label: Number(cell(columns.label)),
    features: Object.fromEntries(
      features.map(({ name, type }) => {
        const value = cell(name) ?? null;
        return [name, type === 'categorical' && typeof value === 'number' ? String(value) : value];
      }),
    ),
  };
}

interface SendOptions extends ColumnOptions {
  readonly batch: string;
  readonly restart?: boolean;
}

interface Progress {
  readonly model: string;
  readonly bytes: number;
  readonly next: number;
}

const BAR = 24;
const RETRY_MS = 500;

/** Remembers how far a file has been sent, beside it, so that an interrupted sending goes on where it was. */
function progressOf(file: string, model: string): { next: number; keep: (next: number) => void } {
  const place = `${file}.headrace-sent`;
  const bytes = statSync(file).size;
  let next = 0;
  if (existsSync(place)) {
    const found = JSON.parse(readFileSync(place, 'utf8')) as Progress;
    if (found.model === model && found.bytes === bytes) next = found.next;
  }
  return {
    next,
    keep(done) {
      writeFileSync(`${place}.new`, JSON.stringify({ model, bytes, next: done } satisfies Progress));
      renameSync(`${place}.new`, place);
    },
  };
}

/** Sends one batch until all of it is taken; waits while ingest has no room. Throws what is wrong with an item. */
async function sendBatch(
  context: Context,
  model: string,
  events: readonly object[],
  first: number,
): Promise<void> {
  const { io, services } = context;
  for (;;) {
    const answer = await services.send('ingest', modelPath(model, '/events'), {
      method: 'POST',
      body: events,
    });
    if (answer.status === 202) return;
    const { items = [], detail } = answer.body as {
      items?: { index: number; status: string; field?: string; message?: string }[];
      detail?: string;
    };
    const bad = items.find(({ status }) => status === 'rejected');
    if (bad !== undefined)
      throw new CliError(
        `row ${String(first + bad.index + 1)}: ${bad.field ?? ''} ${bad.message ?? ''}`.trim(),
        EXIT.refused,
      );
    if (answer.status !== 429 && answer.status !== 503 && answer.status !== 207)
      throw new CliError(detail ?? `status ${String(answer.status)}`, EXIT.refused);
    if (io.signal.aborted) throw new CliError('interrupted', EXIT.refused);
    await io.pause(RETRY_MS); // the same ids again: what was taken is taken once
  }
}

async function send(context: Context, model: string, file: string, options: SendOptions): Promise<void> {
  const { io, services } = context;
  const { spec } = await services.ask<ModelView>('registry', modelPath(model));
  const rows = await openRows(file);
  const size = wholeNumber('batch', options.batch);
  const progress = progressOf(file, model);
  const start = options.restart === true ? 0 : progress.next;
  const fileId = `${basename(file)}-${createHash('sha256').update(basename(file)).digest('hex').slice(0, 8)}`;
  const text = createLiveText({ ...io, out: io.err }); // what is printed at the end may be read by a machine
  const beganMs = io.nowMs();
  let next = start;
  let batch: object[] = [];
  const show = (): void => {
    const rate = ((next - start) / Math.max(1, io.nowMs() - beganMs)) * 1000;
    const share = rows.rows === undefined ? undefined : next / rows.rows;
    const bar =
      share === undefined
        ? ''
        : ` ${'█'.repeat(Math.round(share * BAR)).padEnd(BAR, '░')} ${String(Math.floor(share * 100))} %`;
    const left =
      rows.rows === undefined || rate === 0 ? '' : `, ${duration(((rows.rows - next) / rate) * 1000)} left`;
    text.show([`${count(next)} events sent${bar}, ${count(rate)} a second${left}`]);
  };
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    await sendBatch(context, model, batch, next);
    next += batch.length;
    batch = [];
    progress.keep(next);
    show();
  };
  try {
    for await (const row of rows.read(start)) {
      if (io.signal.aborted) break;
      batch.push(eventOf(row, next + batch.length, spec.features, options, fileId));
      if (batch.length >= size) await flush();
    }
    await flush();
  } finally {
    text.end();
  }
  const result = { model, file, sent: next - start, from: start, next };
  context.print(
    result,
    () =>
      `${io.signal.aborted ? 'interrupted; the same command goes on: ' : ''}${count(result.sent)} events sent, from row ${String(start + 1)}\n`,
  );
}

/** Adds `predict`, `feedback` and `send`. */
export function dataCommands(program: Command, io: Io): void {
  program
    .command('predict <model>')
    .description('ask for one prediction')
    .requiredOption('--subject <name>', 'whom it is about')
    .option('-F, --feature <name=value>', 'a feature; may be repeated', collect, [])
    .option('--id <id>', 'an id of yours, for the label later')
    .addHelpText(
      'after',
      '\nExamples:\n  headrace predict flights-late --subject SFO-LAX -F hour=17 -F origin=SFO',
    )
    .action((model: string, options: PredictOptions, command: Command) =>
      inContext(io, command, (context) => predict(context, model, options)),
    );
  program
    .command('feedback <model> <prediction-id> <label>')
    .description('tell the truth about a prediction: 0 or 1')
    .action((model: string, id: string, label: string, _options: object, command: Command) =>
      inContext(io, command, (context) => feedback(context, model, id, label)),
    );
  program
    .command('send <model> <file>')
    .description('send events from CSV, NDJSON or Parquet; the same command goes on where it was interrupted')
    .option('--label <column>', 'column of the label', 'label')
    .option('--subject <column>', 'column of the subject; without it each row is one of its own', 'subject')
    .option('--id <column>', 'column of the event id (default: file and row)')
    .option('--time <column>', 'column of the event time, ms since the Unix epoch (default: now)')
    .option('--batch <count>', 'events a request', '500')
    .option('--restart', 'from the first row, whatever was sent')
    .addHelpText(
      'after',
      '\nExamples:\n  headrace send flights-late flights.parquet --label late --subject route',
    )
    .action((model: string, file: string, options: SendOptions, command: Command) =>
      inContext(io, command, (context) => send(context, model, file, options)),
    );
}
