import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { waitUntil } from '../../deploy/local/wait-until.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');

test('up runs everything in the foreground, shows its logs by service, and ends all of it', async (t) => {
  const child = spawn('node_modules/.bin/node', ['deploy/cli/main.ts', 'up'], {
    cwd: REPOSITORY,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let seen = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen += text;
  });
  await waitUntil(
    () => {
      if (!seen.includes('everything is up')) throw new Error(seen.slice(-400));
    },
    { what: 'everything to be up', limitMs: 120_000 },
  );
  const urls = new Map(
    [...seen.matchAll(/^([a-z-]+) +(http:\/\/\S+)$/gm)].map(([, name = '', url = '']) => [name, url]),
  );
  assert.deepEqual([...urls.keys()].sort(), ['ingest', 'monitor', 'online-learner', 'registry', 'router']);
  for (const url of urls.values()) assert.equal((await fetch(`${url}/livez`)).status, 200);
  const model = await fetch(`${urls.get('registry') ?? ''}/v1/models`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"name":"by-up","features":[{"name":"colour","type":"categorical"}]}',
  });
  assert.equal(model.status, 201, await model.text());
  await waitUntil(
    () => {
      if (!/^registry +\d\d:\d\d:\d\d/m.test(seen)) throw new Error(seen.slice(-400));
    },
    { what: 'the log of the registry to be shown', limitMs: 20_000 },
  );
  child.kill('SIGINT');
  const [code] = (await once(child, 'exit')) as [number];
  assert.equal(code, 0);
  for (const url of urls.values()) await assert.rejects(fetch(`${url}/livez`), `${url} has ended`);
});
