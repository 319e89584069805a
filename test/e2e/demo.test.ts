import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { SERVICE_URLS, urlVariable } from '../../deploy/cli/services.ts';
import { waitUntil } from '../../deploy/local/wait-until.ts';
import { openTerminal } from '../support/terminal.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
/** From the first line to the last the demo is promised to take less than five minutes. */
const LIMIT_MS = 280_000;
const SERVICES = Object.keys(SERVICE_URLS) as (keyof typeof SERVICE_URLS)[];

/** What a watcher has to see, in this order. */
const STORY = [
  /v1 stable/,
  /v2 candidate, shadow/,
  /v2 candidate, 10 % of the subjects/,
  /v2 candidate, 50 % of the subjects/,
  /v2 stable/,
  /v3 candidate, (shadow|warming)/,
  // Version 4 begins right after, so that the words of its end may last for less than a look.
  /v3 (rolled back, learns on|shadow )/,
  /v4 rolled back, learns on/,
];

test('the demo tells its story, a terminal beside it shows it as it happens, and what --keep leaves works', async (t) => {
  const demo = spawn('node_modules/.bin/node', ['deploy/demo/main.ts', '--keep'], {
    cwd: REPOSITORY,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => demo.kill('SIGKILL'));
  let seen = '';
  demo.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen += text;
  });
  const until = (what: RegExp, limitMs: number): Promise<void> =>
    waitUntil(
      () => {
        if (!what.test(seen)) throw new Error(seen.slice(-600));
        assert.equal(demo.exitCode, null, seen.slice(-600));
      },
      { what: `the demo to say ${String(what)}`, limitMs, everyMs: 100 },
    );
  await until(/model flights-late: version 1/, 120_000);
  const env = Object.fromEntries(
    SERVICES.map((name) => {
      const url = new RegExp(`^${name} +ready in \\S+ s on (\\S+)$`, 'm').exec(seen)?.[1];
      assert.ok(url !== undefined, `where ${name} is`);
      return [urlVariable(name), url];
    }),
  );
  const terminal = openTerminal('get flights-late -w', env);
  t.after(() => {
    terminal.kill();
  });

  await until(/everything is left running/, LIMIT_MS);
  assert.doesNotMatch(seen, /NOT AS IT SHOULD BE/);
  const plain = terminal.seen().replaceAll(/\u001B\[[\d;?]*[A-Za-z]/g, '');
  const learned = [...plain.matchAll(/v1 .*? ([\d,]+) learned/g)].map(([, count = '']) =>
    Number(count.replaceAll(',', '')),
  );
  assert.ok(learned.length > 20, 'the tree is drawn as the model learns');
  assert.ok((learned.at(-1) ?? 0) > 50_000, String(learned.at(-1)));
  assert.deepEqual(
    learned,
    learned.toSorted((a, b) => a - b),
    'nothing that was learned is ever lost',
  );
  let from = 0;
  for (const moment of STORY) {
    const found = plain.slice(from).search(moment);
    assert.ok(found >= 0, `after ${String(from)} characters nothing shows ${String(moment)}`);
    from += found;
  }
  assert.equal(await terminal.interrupt(), 0);

  const commands = [...seen.matchAll(/^ {2}(npm run -s headrace .+|curl .+)$/gm)].map(
    ([, command = '']) => command,
  );
  assert.ok(commands.length >= 3, seen.slice(-800));
  for (const command of commands) {
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command], {
      cwd: REPOSITORY,
      env: { ...process.env, ...env },
    });
    assert.notEqual(stdout, '', command);
  }
  demo.kill('SIGINT');
  const [code] = (await once(demo, 'exit')) as [number];
  assert.equal(code, 130);
});
