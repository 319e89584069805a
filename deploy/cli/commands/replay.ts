import type { Command } from 'commander';
import { arrangeRow, rowOrderOf } from '../../../shared/domain/feature-row-order.ts';
import type { FeatureValue } from '../../../shared/domain/model-spec.ts';
import { timeMs, wholeNumber } from '../arguments.ts';
import { inContext } from '../context.ts';
import type { Context } from '../context.ts';
import { valueOfFreshness } from '../freshness-value.ts';
import type { FreshnessValue, LoggedExample } from '../freshness-value.ts';
import { CliError, EXIT } from '../io.ts';
import type { Io } from '../io.ts';
import { createLiveText } from '../live-text.ts';
import { count, duration, table } from '../output.ts';
import type { ModelView } from '../overview.ts';
import { modelPath } from '../services.ts';
import { openReader } from '../stack.ts';

const TOPIC = 'training-events.v1';
const BAR = 30;
const SAY_EVERY = 10_000;

async function readExamples(context: Context, model: ModelView, most: number): Promise<LoggedExample[]> {
  const { features } = model.spec;
  const reader = await openReader(context.io, [TOPIC]);
  const text = createLiveText({ ...context.io, out: context.io.err });
  const examples: LoggedExample[] = [];
  const seen = new Set<string>();
  try {
    for await (const { value } of reader.records(TOPIC, await reader.partitionOf(TOPIC, model.name))) {
      if (value.model !== model.name) continue;
      const order = rowOrderOf(value.featureNames, features);
      for (const { id, features: values, label, weight, eventTimeMs } of value.events) {
        if (seen.has(id) || examples.length >= most) continue;
        seen.add(id);
        const row = features.map((): FeatureValue => null);
        arrangeRow(order, values, row);
        examples.push({ row, label, weight, atMs: eventTimeMs });
        if (examples.length % SAY_EVERY === 0) text.show([`${count(examples.length)} events read`]);
      }
      if (examples.length >= most) break;
    }
  } finally {
    text.end();
  }
  return examples;
}

/** Returns a bar for each interval: what is lost against refreshing after every example. */
function chart(values: readonly FreshnessValue[]): string {
  const best = Math.min(...values.map(({ logLossNats }) => logLossNats));
  const worst = Math.max(...values.map(({ logLossNats }) => logLossNats));
  return values
    .map(({ refreshMs, logLossNats }) => {
      const share = worst === best ? 0 : (logLossNats - best) / (worst - best);
      const name = refreshMs === 0 ? 'at once' : duration(refreshMs);
      return `${name.padStart(12)} ${'█'.repeat(Math.round(share * BAR)) || '▏'} +${(logLossNats - best).toFixed(4)}\n`;
    })
    .join('');
}

async function replay(context: Context, name: string, refresh: string, most: number): Promise<void> {
  const refreshesMs = [0, ...refresh.split(',').map((one) => timeMs(one.trim()))];
  const model = await context.services.ask<ModelView>('registry', modelPath(name));
  const examples = await readExamples(context, model, most);
  if (examples.length === 0) throw new CliError(`${TOPIC} has no events of ${name}`, EXIT.refused);
  const values = valueOfFreshness(model.spec, examples, refreshesMs);
  const spanMs = (examples.at(-1)?.atMs ?? 0) - (examples[0]?.atMs ?? 0);
  context.print({ model: name, examples: examples.length, spanMs, values }, () =>
    [
      `${count(examples.length)} events of ${duration(Math.max(0, spanMs))} event time, each scored by the parameters of the last refresh, then learned`,
      '',
      table(
        ['REFRESHED', 'LOG-LOSS', 'ACCURACY', 'REFRESHES'],
        values.map((one) => [
          one.refreshMs === 0 ? 'at once' : `every ${duration(one.refreshMs)}`,
          one.logLossNats.toFixed(4),
          `${(100 * one.accuracyRate).toFixed(1)} %`,
          count(one.refreshes),
        ]),
      ),
      'log-loss above the best, nats:',
      chart(values),
    ].join('\n'),
  );
}

/** Adds `replay`. */
export function replayCommand(program: Command, io: Io): void {
  program
    .command('replay <model>')
    .description('what freshness is worth on your own events: log-loss against the time between refreshes')
    .option('--refresh <times>', 'times between refreshes', '1s,1m,1h,1d')
    .option('--events <count>', 'most events, from the oldest', '1000000')
    .addHelpText('after', '\nExamples:\n  headrace replay flights-late --refresh 1m,1h,1d')
    .action((name: string, options: { refresh: string; events: string }, command: Command) =>
      inContext(io, command, (context) =>
        replay(context, name, options.refresh, wholeNumber('events', options.events)),
      ),
    );
}
