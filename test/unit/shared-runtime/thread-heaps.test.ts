import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const MIB = 1024 * 1024;
const PROGRAM = join(import.meta.dirname, 'young-generations.ts');
const FLAGS = ['--min-semi-space-size=16', '--max-semi-space-size=16'];

/** Returns what a process has whose command line gives it two halves of 16 MB. */
function youngOf(...args: string[]): { thread: number; main: number } {
  const out = execFileSync(process.execPath, [...FLAGS, PROGRAM, ...args], { encoding: 'utf8' });
  return JSON.parse(out) as { thread: number; main: number };
}

await test('a thread has the young generation that it is given, and the process the one of its flags', () => {
  const before = youngOf();
  assert.ok(
    before.thread >= 16 * MIB,
    `${String(before.thread)} bytes: flags do not go before limits any more`,
  );
  const after = youngOf('limited');
  // its two halves are 4 MB; now and then V8 takes pages beyond them, up to 6.8 MB in 160 runs beside each other
  assert.ok(after.thread > 0 && after.thread < 16 * MIB, `${String(after.thread)} bytes`);
  assert.ok(after.main >= 16 * MIB, `${String(after.main)} bytes`);
});
