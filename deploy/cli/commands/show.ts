import type { Command } from 'commander';
import type { HistoryEventView } from '../../../shared/domain/operator-views.ts';
import { isUnderWay } from '../../../shared/domain/rollout.ts';
import { timeMs } from '../arguments.ts';
import { inContext, printModel, treeOf } from '../context.ts';
import type { Context } from '../context.ts';
import { CliError, EXIT } from '../io.ts';
import type { Io } from '../io.ts';
import { createLiveText } from '../live-text.ts';
import { percent } from '../model-tree.ts';
import { duration, table } from '../output.ts';
import { allModels, overviewOf } from '../overview.ts';
import type { ModelView, Overview } from '../overview.ts';
import { modelPath } from '../services.ts';

const WATCH_EVERY_MS = 500;

function modelRow({ name, versions, traffic, createdAtMs }: ModelView, nowMs: number): string[] {
  const { stable, candidate, candidateWeightBp } = traffic;
  return [
    name,
    stable === null ? '-' : `v${String(stable)}`,
    candidate === null ? '-' : `v${String(candidate)} at ${percent(candidateWeightBp)}`,
    String(versions.filter(({ life }) => life !== 'retired').length),
    duration(Math.max(0, nowMs - createdAtMs)),
  ];
}

async function list(context: Context): Promise<void> {
  const models = await allModels(context.services);
  context.print(models, () =>
    models.length === 0
      ? 'no models yet: headrace create -f spec.yaml makes one\n'
      : table(
          ['MODEL', 'STABLE', 'CANDIDATE', 'VERSIONS', 'AGE'],
          models.map((model) => modelRow(model, context.io.nowMs())),
        ),
  );
}

/** Draws a model again and again until it is interrupted. */
async function watch(context: Context, name: string): Promise<void> {
  const { io } = context;
  const text = createLiveText(io);
  try {
    while (!io.signal.aborted) {
      try {
        text.show(treeOf(context, await overviewOf(context.services, name)));
      } catch (error) {
        if (!(error instanceof CliError) || error.exitCode !== EXIT.unreachable) throw error;
        text.show([error.message]);
      }
      await io.pause(WATCH_EVERY_MS);
    }
  } finally {
    text.end();
  }
}

async function get(context: Context, name: string | undefined, isWatching: boolean): Promise<void> {
  if (name === undefined) {
    await list(context);
    return;
  }
  if (isWatching) {
    await watch(context, name);
    return;
  }
  await printModel(context, name);
}

async function describe(context: Context, name: string): Promise<void> {
  const overview = await overviewOf(context.services, name);
  const { spec } = overview.model;
  context.print(overview, () => {
    const wide: Context = { ...context, format: 'wide' };
    const features = spec.features.map((one) => [one.name, one.type]);
    const { label, learner } = spec;
    return [
      ...treeOf(wide, overview),
      '',
      `label window ${duration(label.windowMs)}; when it ends: ${label.onWindowEnd}`,
      `learner ${learner.kind}, 2^${String(learner.tableBits)} weights, alpha ${String(learner.alpha)}, l1 ${String(learner.l1)}, l2 ${String(learner.l2)}`,
      '',
      table(['FEATURE', 'TYPE'], features).trimEnd(),
      '',
    ].join('\n');
  });
}

async function history(context: Context, name: string, last: number): Promise<void> {
  const { events } = await context.services.ask<{ events: HistoryEventView[] }>(
    'registry',
    modelPath(name, '/history'),
  );
  const shown = events.slice(-last);
  context.print(shown, () =>
    table(
      ['SEQUENCE', 'WHEN', 'WHO', 'WHAT', 'VERSION', 'WHY'],
      shown.map((event) => [
        String(event.sequence),
        new Date(event.atMs).toISOString(),
        event.actor,
        event.kind,
        event.version === null ? '-' : `v${String(event.version)}`,
        event.body.because ?? event.reason,
      ]),
    ),
  );
}

/** Returns why a model is not well or not at rest, a phrase each; `bad` says which of the two. */
export function concernsOf({ model, rollout }: Overview): { bad: string[]; busy: string[] } {
  const bad: string[] = [];
  const busy: string[] = [];
  if (model.traffic.stable === null) bad.push('no stable version');
  const tried = rollout?.rollout ?? null;
  if (tried === null) return { bad, busy };
  const name = `v${String(tried.candidate)}`;
  if (tried.phase === 'rolledBack') bad.push(`${name} is rolled back: ${rollout?.last?.because ?? ''}`);
  if (tried.phase === 'aborted') bad.push(`the rollout of ${name} was aborted`);
  if (isUnderWay(tried.phase)) {
    if (tried.pausedBecause === null) busy.push(`${name} is in ${tried.phase}`);
    else bad.push(`the rollout of ${name} is paused: ${tried.pausedBecause}`);
  }
  return { bad, busy };
}

async function status(context: Context, name: string, wait: boolean, timeoutMs: number): Promise<void> {
  const { io } = context;
  const endMs = io.nowMs() + timeoutMs;
  for (;;) {
    const overview = await overviewOf(context.services, name);
    const { bad, busy } = concernsOf(overview);
    const isOver = io.nowMs() >= endMs || io.signal.aborted;
    if (wait && bad.length === 0 && busy.length > 0 && !isOver) {
      await io.pause(WATCH_EVERY_MS);
      continue;
    }
    const word = bad.length > 0 ? 'degraded' : busy.length > 0 ? 'progressing' : 'healthy';
    const reasons = [...bad, ...busy, ...overview.missing];
    context.print({ model: name, status: word, reasons }, () =>
      [context.paint(bad.length > 0 ? 'bad' : 'good', word), ...reasons.map((one) => `  ${one}`), ''].join(
        '\n',
      ),
    );
    if (bad.length > 0) throw new CliError('', EXIT.refused);
    if (wait && busy.length > 0)
      throw new CliError(`not at rest within ${duration(timeoutMs)}`, EXIT.refused);
    return;
  }
}

/** Adds `get`, `list`, `describe`, `status` and `history`. */
export function showCommands(program: Command, io: Io): void {
  program
    .command('get [model]')
    .description('all models, or one as a tree: versions, rollout, gates')
    .option('-w, --watch', 'draw it again as it changes, until Ctrl-C')
    .addHelpText(
      'after',
      '\nExamples:\n  headrace get\n  headrace get flights-late -w\n  headrace get flights-late -o json',
    )
    .action((name: string | undefined, { watch: isWatching }: { watch?: boolean }, command: Command) =>
      inContext(io, command, (context) => get(context, name, isWatching === true)),
    );
  program
    .command('list')
    .description('all models')
    .action((_options: object, command: Command) => inContext(io, command, list));
  program
    .command('describe <model>')
    .description('everything about a model: tree, features, label, learner')
    .action((name: string, _options: object, command: Command) =>
      inContext(io, command, (context) => describe(context, name)),
    );
  program
    .command('status <model>')
    .description('healthy, progressing or degraded; exit code 1 when degraded')
    .option('--wait', 'wait until no rollout is under way')
    .option('--timeout <time>', 'how long to wait', '10m')
    .addHelpText('after', '\nExamples:\n  headrace status flights-late --wait --timeout 30m || exit 1')
    .action((name: string, options: { wait?: boolean; timeout: string }, command: Command) =>
      inContext(io, command, (context) =>
        status(context, name, options.wait === true, timeMs(options.timeout)),
      ),
    );
  program
    .command('history <model>')
    .description('who did what, when and why')
    .option('--last <count>', 'how many events', '50')
    .action((name: string, options: { last: string }, command: Command) =>
      inContext(io, command, (context) => history(context, name, Number(options.last))),
    );
}
