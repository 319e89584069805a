import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { choosePorts } from '../../../deploy/local/ports.ts';

const MODULE = JSON.stringify(new URL('../../../deploy/local/ports.ts', import.meta.url).href);

/** Runs a program that chooses one port, of `preferred` if it can, prints it, and ends when its input does, or the test. */
function chooseElsewhere(t: TestContext, preferred: readonly number[]) {
  const program = `
    const { choosePorts } = await import(${MODULE});
    console.log(...(await choosePorts(1, ${JSON.stringify(preferred)})));
    for await (const _ of process.stdin);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill());
  return child;
}

test('a port that was chosen is not chosen again, though nothing listens on it yet', async (t) => {
  const [first = 0] = await choosePorts(1, []);
  const [second] = await choosePorts(1, [first]);
  assert.notEqual(second, first);
  const child = chooseElsewhere(t, [first]);
  child.stdin.end();
  assert.notEqual(Number(await text(child.stdout)), first);
});

test('the ports of a process are its own until it ends, however it does', async (t) => {
  const child = chooseElsewhere(t, []);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const theirs = Number(line.toString());
  assert.ok(theirs > 0);
  const [mine] = await choosePorts(1, [theirs]);
  assert.notEqual(mine, theirs);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const [now] = await choosePorts(1, [theirs]);
  assert.equal(now, theirs);
});

test('ports chosen at once differ', async () => {
  const ports = (await Promise.all(Array.from({ length: 50 }, () => choosePorts(2, [])))).flat();
  assert.equal(new Set(ports).size, 100);
});
