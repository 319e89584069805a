import { spawn } from 'node:child_process';
import { HeadraceError } from '../../shared/errors.ts';

/** One command that runs to its end. */
export interface CommandLine {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Returns what the command wrote (both streams). Throws `stack-unavailable` with the last lines when it ends with another
 * code than 0 or cannot be started.
 */
export function runCommand({ command, args, cwd, env }: CommandLine): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
    });
    let output = '';
    const collect = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const fail = (why: string, cause?: unknown): void => {
      const message = `${command} ${args[0] ?? ''}: ${why}\n${output.trim().split('\n').slice(-15).join('\n')}`;
      reject(new HeadraceError(message.trim(), { code: 'stack-unavailable', retriable: false, cause }));
    };
    child.on('error', (error) => {
      fail(error.message, error);
    });
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else fail(`ended with ${signal ?? `code ${String(code)}`}`);
    });
  });
}
