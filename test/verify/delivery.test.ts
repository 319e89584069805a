import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

const MAIN = join(import.meta.dirname, 'main.ts');
const FAULTS = 20;
const OUTAGES = 2;

test('what is acknowledged is learned once, with every process killed and every link failing', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'headrace-delivery-'));
  t.after(() => {
    rmSync(dir, { recursive: true });
  });
  const file = join(dir, 'result.json');
  // a process of its own, as on the command line: whatever a client leaves open ends with it
  const args = [MAIN, 'delivery', '--faults', String(FAULTS), '--outages', String(OUTAGES), '--json', file];
  const proof = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => {
    proof.kill();
  });
  const said: string[] = [];
  createInterface(proof.stdout).on('line', (line) => said.push(line));
  const [code] = (await once(proof, 'close')) as [number | null];
  assert.equal(code, 0, said.join('\n'));
  const result = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const { holds, faults, kinds, eventsAcknowledged, labelsJoined, outages, defaultedInTime } = result;
  assert.equal(holds, true);
  assert.equal(faults, FAULTS);
  assert.deepEqual({ outages, defaultedInTime }, { outages: OUTAGES, defaultedInTime: 0 });
  for (const victim of ['ingest', 'online-learner', 'redis', 'kafka'])
    assert.ok(Object.hasOwn(kinds as object, `kill-${victim}`), `${victim} was not killed`);
  assert.ok(Number(eventsAcknowledged) > 0 && Number(labelsJoined) > 0, 'clients were at work');
});
