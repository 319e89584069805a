import type { Command } from 'commander';
import { painter } from './io.ts';
import type { Io, Paint } from './io.ts';
import { modelTree } from './model-tree.ts';
import { formatOf, machineText } from './output.ts';
import type { Format } from './output.ts';
import { overviewOf } from './overview.ts';
import type { Overview } from './overview.ts';
import { createServices } from './services.ts';
import type { Services } from './services.ts';

/** What every command is given. */
export interface Context {
  readonly io: Io;
  readonly services: Services;
  readonly format: Format;
  readonly paint: Paint;
  /** Who acts, for the history. */
  readonly actor: string;
  /** Writes a value: as the machine format says, or by `people` for the others. */
  print(value: unknown, people: () => string): void;
}

/** Options that every command has. */
interface CommonOptions {
  readonly output: string;
  readonly color: boolean;
  readonly actor?: string;
}

/** Adds the options that every command has. */
export function withCommonOptions(command: Command): Command {
  return command
    .option('-o, --output <format>', 'table, wide, json or yaml', 'table')
    .option('--no-color', 'no colours (NO_COLOR does the same)')
    .option('--actor <name>', 'who acts, for the history (default: $USER)');
}

/** Does the work of a command with what it needs, and closes what it opened. */
export async function inContext<T>(
  io: Io,
  command: Command,
  work: (context: Context) => Promise<T>,
): Promise<T> {
  const { output, color, actor } = command.optsWithGlobals<CommonOptions>();
  const format = formatOf(output);
  const isColoured = color && io.isTerminal && (io.env['NO_COLOR'] ?? '') === '';
  const services = createServices(io);
  try {
    return await work({
      io,
      services,
      format,
      paint: painter(isColoured),
      actor: actor ?? io.env['USER'] ?? 'operator',
      print(value, people) {
        io.out(machineText(format, value) ?? people());
      },
    });
  } finally {
    services.close();
  }
}

/** Returns the lines of a model as the context draws them. */
export function treeOf({ paint, io, format }: Context, overview: Overview): string[] {
  return modelTree(overview, { paint, nowMs: io.nowMs(), isWide: format === 'wide' });
}

/** Looks at a model and prints it. */
export async function printModel(context: Context, name: string): Promise<void> {
  const overview = await overviewOf(context.services, name);
  context.print(overview, () => `${treeOf(context, overview).join('\n')}\n`);
}
