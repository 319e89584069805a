import type { Command } from 'commander';
import { collect, fileText, pairsOf, timeMs, wholeNumber } from '../arguments.ts';
import { inContext, printModel } from '../context.ts';
import type { Context } from '../context.ts';
import { CliError, EXIT } from '../io.ts';
import type { Io } from '../io.ts';
import type { PlanView, VersionView } from '../overview.ts';
import { modelPath } from '../services.ts';

const LIVE_LIMIT_MS = 60_000;
const LOOK_EVERY_MS = 200;

function asked({ actor }: Context, reason: string | undefined): Record<string, string> {
  return { 'headrace-actor': actor, ...(reason === undefined ? {} : { 'headrace-reason': reason }) };
}

async function create(context: Context, file: string): Promise<void> {
  const made = await context.services.ask<{ name: string }>('registry', '/v1/models', {
    method: 'POST',
    body: fileText(file),
    headers: { ...asked(context, undefined), 'content-type': 'application/yaml' },
  });
  context.print(
    made,
    () => `model ${made.name} is made; headrace register ${made.name} --approve adds a version\n`,
  );
}

interface RegisterOptions {
  readonly mode?: string;
  readonly parent?: string;
  readonly learner: readonly string[];
  readonly from?: string;
  readonly approve?: boolean;
  readonly reason?: string;
}

function startOf(from: string): unknown {
  if (from === 'earliest') return from;
  const [name = '', value = ''] = from.split('=');
  if (!['position', 'timeMs', 'milestone'].includes(name) || !/^\d+$/.test(value))
    throw new CliError(`from ${from}, allowed earliest, position=N, timeMs=N, milestone=N`, EXIT.usage);
  return { [name]: Number(value) };
}

async function untilLive(context: Context, model: string, version: number): Promise<VersionView> {
  const { io, services } = context;
  const endMs = io.nowMs() + LIVE_LIMIT_MS;
  for (;;) {
    const found = await services.ask<VersionView>(
      'registry',
      modelPath(model, `/versions/${String(version)}`),
    );
    if (found.life === 'live') return found;
    if (io.nowMs() > endMs || io.signal.aborted)
      throw new CliError(
        `version ${String(version)} has no learner yet: is online-learner running?`,
        EXIT.refused,
      );
    await io.pause(LOOK_EVERY_MS);
  }
}

/** Registers a version, waits for its learner where it is to be approved, and returns it. */
async function register(context: Context, model: string, options: RegisterOptions): Promise<VersionView> {
  const { mode, parent, learner, from, approve, reason } = options;
  const body = {
    ...(mode === undefined ? {} : { mode }),
    ...(parent === undefined ? {} : { parent: wholeNumber('parent', parent) }),
    ...(learner.length === 0 ? {} : { learner: pairsOf(learner) }),
    ...(from === undefined ? {} : { from: startOf(from) }),
  };
  const { services } = context;
  const made = await services.ask<VersionView>('registry', modelPath(model, '/versions'), {
    method: 'POST',
    body,
    headers: asked(context, reason),
  });
  if (approve !== true) return made;
  await untilLive(context, model, made.version);
  const path = modelPath(model, `/versions/${String(made.version)}/approve`);
  return services.ask<VersionView>('registry', path, { method: 'POST', headers: asked(context, reason) });
}

/** Brings a version before users: as stable where there is none, else by a rollout that evidence decides. */
async function publish(context: Context, model: string, options: RegisterOptions): Promise<void> {
  const { services } = context;
  const { version } = await register(context, model, { ...options, approve: true });
  const answer = await services.send('registry', modelPath(model, '/traffic'));
  const plan = answer.body as PlanView;
  if (plan.stable === null) {
    await services.ask('registry', modelPath(model, '/traffic'), {
      method: 'PUT',
      body: { stable: version },
      headers: { ...asked(context, options.reason), 'if-match': String(answer.headers['etag'] ?? '*') },
    });
  } else {
    await services.ask('registry', modelPath(model, '/rollout'), {
      method: 'POST',
      body: { version },
      headers: asked(context, options.reason),
    });
  }
  await printModel(context, model);
}

async function versionCommand(
  context: Context,
  verb: 'approve' | 'retire' | 'resume',
  model: string,
  version: string,
  reason: string | undefined,
): Promise<void> {
  const path = modelPath(model, `/versions/${String(wholeNumber('version', version))}/${verb}`);
  const done = await context.services.ask<VersionView>('registry', path, {
    method: 'POST',
    headers: asked(context, reason),
  });
  context.print(done, () => `v${String(done.version)} of ${model}: ${verb} is done\n`);
}

interface RolloutOptions {
  readonly reason?: string;
  readonly full?: boolean;
  readonly by?: string;
}

async function rolloutCommand(
  context: Context,
  verb: string,
  model: string,
  body: object | undefined,
  reason: string | undefined,
): Promise<void> {
  const path = verb === 'start' ? '/rollout' : `/rollout/${verb}`;
  await context.services.ask('registry', modelPath(model, path), {
    method: 'POST',
    ...(body === undefined ? {} : { body }),
    headers: asked(context, reason),
  });
  await printModel(context, model);
}

const VERBS: readonly (readonly [verb: string, about: string])[] = [
  ['pause', 'let it stay where it is; it can still be rolled back'],
  ['resume', 'let a paused one go on'],
  ['abort', 'end it; stable gets everything back'],
  ['rollback', 'give stable everything back; the candidate learns on and can be tried again'],
  ['undo', 'go back to the old stable after full, within the rollback window'],
  ['close', 'end the rollback window after full'],
];

function rolloutCommands(program: Command, io: Io): void {
  const rollout = program
    .command('rollout')
    .description('try a version: it is compared, gets traffic step by step, or goes back')
    .addHelpText(
      'after',
      '\nExamples:\n  headrace rollout start flights-late 2 --reason "lower learning rate"\n  headrace rollout promote flights-late --full\n  headrace rollout rollback flights-late --reason "complaints"',
    );
  const reasoned = (command: Command): Command => command.option('--reason <text>', 'why, for the history');
  reasoned(rollout.command('start <model> <version>').description('begin to try a version')).action(
    (model: string, version: string, { reason }: RolloutOptions, command: Command) =>
      inContext(io, command, (context) =>
        rolloutCommand(context, 'start', model, { version: wholeNumber('version', version) }, reason),
      ),
  );
  reasoned(
    rollout
      .command('promote <model>')
      .description('go one stage further without waiting for evidence')
      .option('--full', 'to full at once'),
  ).action((model: string, { reason, full }: RolloutOptions, command: Command) =>
    inContext(io, command, (context) =>
      rolloutCommand(context, 'promote', model, { to: full === true ? 'full' : 'next' }, reason),
    ),
  );
  reasoned(
    rollout
      .command('extend <model>')
      .description('give the present stage, or the rollback window, more time')
      .requiredOption('--by <time>', 'how much, such as 2h'),
  ).action((model: string, { reason, by = '' }: RolloutOptions, command: Command) =>
    inContext(io, command, (context) =>
      rolloutCommand(context, 'extend', model, { byMs: timeMs(by) }, reason),
    ),
  );
  for (const [verb, about] of VERBS) {
    reasoned(rollout.command(`${verb} <model>`).description(about)).action(
      (model: string, { reason }: RolloutOptions, command: Command) =>
        inContext(io, command, (context) => rolloutCommand(context, verb, model, undefined, reason)),
    );
  }
}

function withRegisterOptions(command: Command): Command {
  return command
    .option('--mode <mode>', 'copy or cold (default: copy of stable where there is one)')
    .option('--parent <version>', 'whose copy it is')
    .option('--learner <name=value>', 'a learner setting; may be repeated', collect, [])
    .option('--from <start>', 'learn the past: earliest, position=N, timeMs=N, milestone=N')
    .option('--reason <text>', 'why, for the history');
}

/** Adds `create`, `register`, `publish`, `approve`, `retire`, `resume` and `rollout`. */
export function operateCommands(program: Command, io: Io): void {
  program
    .command('create')
    .description('make a model from a spec in YAML or JSON')
    .requiredOption('-f, --file <file>', 'the spec; - reads it from the standard input')
    .addHelpText('after', '\nExamples:\n  headrace lint spec.yaml && headrace create -f spec.yaml')
    .action(({ file }: { file: string }, command: Command) =>
      inContext(io, command, (context) => create(context, file)),
    );
  withRegisterOptions(
    program.command('register <model>').description('add a version; its learner begins at once'),
  )
    .option('--approve', 'and allow it to get traffic, once its learner has begun')
    .addHelpText('after', '\nExamples:\n  headrace register flights-late --learner alpha=0.05 --approve')
    .action((model: string, options: RegisterOptions, command: Command) =>
      inContext(io, command, async (context) => {
        const made = await register(context, model, options);
        context.print(made, () => `v${String(made.version)} of ${model} is registered (${made.mode})\n`);
      }),
    );
  withRegisterOptions(
    program
      .command('publish <model>')
      .description(
        'add a version and bring it before users: as stable where there is none, else by a rollout',
      ),
  ).action((model: string, options: RegisterOptions, command: Command) =>
    inContext(io, command, (context) => publish(context, model, options)),
  );
  const about = {
    approve: 'allow a version to get traffic',
    retire: 'end a version',
    resume: 'let a halted version learn again',
  } as const;
  for (const verb of ['approve', 'retire', 'resume'] as const) {
    program
      .command(`${verb} <model> <version>`)
      .description(about[verb])
      .option('--reason <text>', 'why, for the history')
      .action((model: string, version: string, { reason }: { reason?: string }, command: Command) =>
        inContext(io, command, (context) => versionCommand(context, verb, model, version, reason)),
      );
  }
  rolloutCommands(program, io);
}
