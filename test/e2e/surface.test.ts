import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { SERVICES } from '../../deploy/fleet/fleet.ts';
import { useSystem } from '../support/system.ts';

const system = useSystem();
/** `UPDATE_FIXTURES=1` writes what is served instead of comparing it: look at the difference before committing it. */
const isUpdating = process.env['UPDATE_FIXTURES'] === '1';
const IDLE_MS = 3000;
const IDLE_SHARE_MAX = 0.1;

async function get(url: string): Promise<{ status: number; body: unknown }> {
  return system.http.send('GET', url);
}

for (const service of SERVICES) {
  test(`${service} serves the OpenAPI document that is checked in`, async () => {
    const { status, body } = await get(`${system.url(service)}/openapi.json`);
    assert.equal(status, 200);
    const file = new URL(`../fixtures/openapi/${service}.json`, import.meta.url);
    if (isUpdating || !existsSync(file)) writeFileSync(file, `${JSON.stringify(body, null, 2)}\n`);
    assert.deepEqual(body, JSON.parse(readFileSync(file, 'utf8')));
  });

  test(`${service} is alive, ready, and measures itself under design names only`, async () => {
    assert.deepEqual((await get(`${system.url(service)}/livez`)).body, { status: 'alive' });
    const more = service === 'router' ? { servingFrom: 'kafka', stalenessMs: null } : {};
    const ready = { status: 'ready', waitsFor: [], ...more };
    assert.deepEqual((await get(`${system.url(service)}/readyz`)).body, ready);
    const { body } = await get(`${system.url(service)}/metrics`);
    const names = [...String(body).matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1] ?? '');
    const foreign = names.filter(
      (name) => !/^(process|nodejs)_/.test(name) && !/^headrace_[a-z]+_[a-z_]+$/.test(name),
    );
    assert.deepEqual(foreign, []);
    assert.ok(names.some((name) => name.startsWith('headrace_')));
  });
}

test('an idle service uses next to no CPU', async () => {
  const cpuSeconds = async (url: string): Promise<number> =>
    Number(/^process_cpu_seconds_total (\S+)/m.exec(String((await get(`${url}/metrics`)).body))?.[1]);
  const before = await Promise.all(system.fleet.all.map(({ url }) => cpuSeconds(url)));
  const startMs = performance.now();
  await pause(IDLE_MS); // the measured stretch of idleness, not a wait for a state
  const after = await Promise.all(system.fleet.all.map(({ url }) => cpuSeconds(url)));
  const seconds = (performance.now() - startMs) / 1000;
  for (const [index, { name }] of system.fleet.all.entries()) {
    const share = ((after[index] ?? 0) - (before[index] ?? 0)) / seconds;
    assert.ok(share < IDLE_SHARE_MAX, `${name} uses ${(share * 100).toFixed(1)} % of a core`);
  }
});

for (const service of SERVICES) {
  test(`${service} stops gracefully on SIGTERM within its limit`, async () => {
    const one = system.fleet.one(service);
    await one.stop();
    const lines = readFileSync(one.logFile, 'utf8').trim().split('\n');
    const last = JSON.parse(lines.at(-1) ?? '{}') as { msg?: string };
    assert.equal(last.msg, 'stopped');
  });
}
