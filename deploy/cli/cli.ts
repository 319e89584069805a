import { Command, CommanderError } from 'commander';
import { HeadraceError } from '../../shared/errors.ts';
import { checkCommands } from './commands/check.ts';
import { dataCommands } from './commands/data.ts';
import { operateCommands } from './commands/operate.ts';
import { showCommands } from './commands/show.ts';
import { topicCommands } from './commands/topics.ts';
import { traceCommand } from './commands/trace.ts';
import { upCommand } from './commands/up.ts';
import { completionScript } from './completion.ts';
import { withCommonOptions } from './context.ts';
import { CliError, EXIT } from './io.ts';
import type { Io } from './io.ts';
import { SERVICE_URLS, urlVariable } from './services.ts';
import type { ServiceName } from './services.ts';

function environmentHelp(): string {
  const urls = (Object.keys(SERVICE_URLS) as ServiceName[]).map(
    (name) => `  ${urlVariable(name).padEnd(24)} ${SERVICE_URLS[name]}`,
  );
  return `
Where things are, unless these variables say otherwise:
${urls.join('\n')}
  KAFKA_BROKERS            127.0.0.1:9092
  SCHEMA_REGISTRY_URL      http://127.0.0.1:8081/apis/ccompat/v7
  REDIS_URL                redis://127.0.0.1:6379

Exit codes: 0 done, 1 refused or degraded, 2 wrong usage, 3 nobody answers.`;
}

/** Returns the whole program; nothing runs before it is given arguments. */
function createProgram(io: Io): Command {
  const program = withCommonOptions(new Command('headrace'))
    .description(
      'Models that keep learning in production: look at them, move their traffic, follow what they learned.',
    )
    .showHelpAfterError('(headrace --help shows what there is)')
    .addHelpText('after', environmentHelp());
  showCommands(program, io);
  operateCommands(program, io);
  dataCommands(program, io);
  topicCommands(program, io);
  traceCommand(program, io);
  checkCommands(program, io);
  upCommand(program, io);
  program
    .command('completion <shell>')
    .description('a script for bash or zsh: eval "$(headrace completion bash)"')
    .action((shell: string) => {
      if (shell !== 'bash' && shell !== 'zsh')
        throw new CliError(`shell ${shell}, allowed bash, zsh`, EXIT.usage);
      io.out(completionScript(program, shell));
    });
  const prepare = (command: Command): void => {
    command.exitOverride().configureOutput({ writeOut: io.out, writeErr: io.err });
    command.commands.forEach(prepare);
  };
  prepare(program);
  return program;
}

/** Runs one command line and returns its exit code. Never throws. */
export async function runCli(args: readonly string[], io: Io): Promise<number> {
  try {
    await createProgram(io).parseAsync([...args], { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (error instanceof CliError) {
      if (error.message !== '') io.err(`${error.message}\n`);
      return error.exitCode;
    }
    if (error instanceof HeadraceError) {
      io.err(`${error.message}\n`);
      return EXIT.unreachable;
    }
    io.err(
      `a mistake of this program: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return EXIT.refused;
  }
}
