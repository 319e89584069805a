import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { waitUntil } from '../../deploy/local/wait-until.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');

/** A command line on a terminal of its own. */
export interface Terminal {
  /** Everything that it has written so far, control sequences included. */
  readonly seen: () => string;
  /** Resolves when what it wrote matches; throws after 20 s. */
  until(what: RegExp): Promise<void>;
  /** Types Ctrl-C and returns the exit code. */
  interrupt(): Promise<number>;
  kill(): void;
}

/** Runs `headrace` on a pseudo-terminal, 120 columns wide. */
export function openTerminal(args: string, env: Readonly<Record<string, string>>): Terminal {
  // exec: a shell that stays in between would take the Ctrl-C for its own end, as /bin/sh does.
  const command = `stty cols 120; exec node_modules/.bin/node deploy/cli/main.ts ${args}`;
  const child: ChildProcess = spawn('script', ['-qfec', command, '/dev/null'], {
    cwd: REPOSITORY,
    env: { ...process.env, ...env, SHELL: '/bin/sh', TERM: 'xterm-256color' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let seen = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    seen += text;
  });
  return {
    seen: () => seen,
    until: (what) =>
      waitUntil(
        () => {
          if (!what.test(seen)) throw new Error(seen.slice(-400));
        },
        { what: `the terminal to show ${String(what)}`, limitMs: 20_000, everyMs: 50 },
      ),
    async interrupt() {
      child.stdin?.write('\u0003');
      const [code] = (await once(child, 'exit')) as [number];
      return code;
    },
    kill() {
      child.kill('SIGKILL');
    },
  };
}
