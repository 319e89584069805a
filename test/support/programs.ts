import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/** A whole number that a program takes from its command line. */
export interface NumberOption {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly help: string;
}

/** The numbers a program was given, by name. */
export type Options<Names extends string> = Readonly<Record<Names, number>>;

/** What a program found. */
export interface ProgramResult {
  /** What scripts read: figures, ratios and raw rounds. */
  readonly json: object;
  /** A short summary for people, a line each. */
  readonly summary: readonly string[];
  /** What did not hold, a sentence each; none when everything did. */
  readonly faults: readonly string[];
}

/** One proof or bench: what it is called with and how it is run. */
export interface Program<Names extends string = string> {
  /** One sentence for `--help`. */
  readonly about: string;
  readonly options: Readonly<Record<Names, NumberOption>>;
  /** Runs it; `say` prints progress. */
  readonly run: (options: Options<Names>, say: (line: string) => void) => Promise<ProgramResult>;
}

/** Programs by name, each loaded when it is asked for. */
export type Programs = Readonly<Record<string, () => Promise<{ readonly program: Program }>>>;

/** Returns the program as it is, with the names of its options known to the compiler. */
export function defineProgram<Names extends string>(program: Program<Names>): Program {
  return program;
}

async function helpOf(command: string, programs: Programs): Promise<string> {
  const lines = [`usage: npm run ${command} -- NAME [options] [--json FILE]`, ''];
  for (const [name, load] of Object.entries(programs)) {
    const { about, options } = (await load()).program;
    lines.push(`  ${name.padEnd(18)} ${about}`);
    for (const [option, { default: value, help }] of Object.entries(options)) {
      lines.push(`  ${''.padEnd(18)}   --${option} N  ${help} (default ${String(value)})`);
    }
  }
  return lines.join('\n');
}

/** Returns the numbers given on the command line, or what is wrong with them. */
function parseOptions(
  program: Program,
  args: readonly string[],
): { json?: string; numbers: Options<string> } {
  const names = Object.keys(program.options);
  const { values } = parseArgs({
    args: [...args],
    options: Object.fromEntries([...names, 'json'].map((name) => [name, { type: 'string' as const }])),
  });
  const numbers: Record<string, number> = {};
  for (const [name, { default: value, min, max }] of Object.entries(program.options)) {
    const given = values[name];
    const number = given === undefined ? value : Number(given);
    if (!Number.isInteger(number) || number < min || number > max) {
      throw new RangeError(`--${name} ${String(given)}: allowed ${String(min)} … ${String(max)}`);
    }
    numbers[name] = number;
  }
  const json = values['json'];
  return typeof json === 'string' ? { json, numbers } : { numbers };
}

/**
 * Runs the program that the command line names: prints its progress and summary, writes its JSON, and returns the exit
 * code: 0 when everything held, 1 when something did not, 2 for wrong use.
 */
export async function runProgram(
  command: string,
  programs: Programs,
  args: readonly string[],
): Promise<number> {
  const [name = '--help', ...rest] = args;
  if (name === '--help' || rest.includes('--help')) {
    console.log(await helpOf(command, programs));
    return 0;
  }
  const load = programs[name];
  if (load === undefined) {
    console.error(`${command} ${name}: allowed ${Object.keys(programs).join(', ')}`);
    return 2;
  }
  const { program } = await load();
  let given: ReturnType<typeof parseOptions>;
  try {
    given = parseOptions(program, rest);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  }
  const startMs = performance.now();
  const seconds = (): string => ((performance.now() - startMs) / 1000).toFixed(1).padStart(6);
  const { json, summary, faults } = await program.run(given.numbers, (line) => {
    console.log(`${seconds()} s  ${line}`);
  });
  console.log(['', ...summary].join('\n'));
  for (const fault of faults) console.log(`DOES NOT HOLD: ${fault}`);
  console.log(`${name}: ${faults.length === 0 ? 'holds' : 'does not hold'}, ${seconds().trim()} s`);
  if (given.json !== undefined) writeFileSync(given.json, `${JSON.stringify(json, null, 2)}\n`);
  return faults.length === 0 ? 0 : 1;
}
