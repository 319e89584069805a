import { setTimeout as delay } from 'node:timers/promises';
import { runCli } from './cli.ts';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted.abort();
  });
}
// A reader that has seen enough, such as `head`, is no failure.
process.stdout.on('error', () => process.exit(0));

process.exitCode = await runCli(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  env: process.env,
  isTerminal: process.stdout.isTTY,
  columns: () => process.stdout.columns || 120, // a terminal of unknown size says 0
  nowMs: Date.now,
  pause: (ms) => delay(ms, undefined, { signal: interrupted.signal }).catch(() => undefined),
  signal: interrupted.signal,
});
