import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { stringify } from 'yaml';
import { waitUntil } from '../../deploy/local/wait-until.ts';
import { cliEnvironment, runCommandLine } from '../support/cli.ts';
import type { CliRun } from '../support/cli.ts';
import { learnerState, smallSpec } from '../support/small-model.ts';
import { useSystem } from '../support/system.ts';
import { openTerminal } from '../support/terminal.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const MODEL = 'by-hand';
const system = useSystem();
const dir = mkdtempSync(join(tmpdir(), 'headrace-cli-'));
after(() => {
  rmSync(dir, { recursive: true, force: true });
});

const run = (...args: string[]): Promise<CliRun> => runCommandLine(cliEnvironment(system), args);

/** Runs a command that must do its work, and returns what it wrote as JSON. */
async function json<T>(...args: string[]): Promise<T> {
  const { code, out, err } = await run(...args, '-o', 'json');
  assert.equal(code, 0, err);
  return JSON.parse(out) as T;
}

test('a model is linted, made, given versions and served, all by the command line', async () => {
  const spec = join(dir, 'spec.yaml');
  writeFileSync(spec, stringify({ ...smallSpec(MODEL), nonsense: 1 }));
  const linted = await run('lint', spec);
  assert.equal(linted.code, 1);
  assert.match(linted.out, /nonsense/);
  writeFileSync(spec, stringify(smallSpec(MODEL, { rollout: { holdMinMs: 1000 } })));
  assert.equal((await run('lint', spec)).code, 0);
  assert.equal((await run('create', '-f', spec)).code, 0);
  assert.equal((await run('create', '-f', spec)).code, 1, 'it exists');
  const published = await run('publish', MODEL, '--reason', 'the first');
  assert.equal(published.code, 0, published.err);
  assert.match(published.out, /✔ v1 stable/);
  const second = await json<{ version: number }>('register', MODEL, '--learner', 'alpha=0.05', '--approve');
  assert.equal(second.version, 2);
  const models = await json<{ name: string }[]>('get');
  assert.deepEqual(
    models.map(({ name }) => name),
    [MODEL],
  );
  assert.match((await run('list')).out, /by-hand +v1 +- +2/);
  const described = await run('describe', MODEL);
  assert.match(described.out, /colour +categorical/);
  assert.match((await run('get', MODEL, '-o', 'yaml')).out, /^model:\n {2}name: by-hand$/m);
  assert.equal((await run('get', 'nobody')).code, 1);
});

test('a rollout is started, paused, resumed and rolled back with reasons that the history tells', async () => {
  const started = await run('rollout', 'start', MODEL, 'v2', '--reason', 'a lower rate');
  assert.equal(started.code, 0, started.err);
  assert.match(started.out, /rollout: (warming|shadow)/);
  assert.equal((await run('status', MODEL)).code, 0);
  const paused = await run('rollout', 'pause', MODEL, '--reason', 'to look');
  assert.match(paused.out, /paused: /);
  const degraded = await run('status', MODEL);
  assert.deepEqual([degraded.code, degraded.out.split('\n')[0]], [1, 'degraded']);
  assert.equal((await run('rollout', 'resume', MODEL)).code, 0);
  assert.equal((await run('rollout', 'extend', MODEL, '--by', '2h')).code, 0);
  const live = await run('rollout', 'promote', MODEL, '--reason', 'by hand');
  assert.match(live.out, /◐ v2 candidate, 1 % of the subjects/);
  assert.equal((await run('rollout', 'rollback', MODEL, '--reason', 'enough')).code, 0);
  assert.equal((await run('rollout', 'pause', MODEL)).code, 1, 'it has ended');
  const events = await json<{ kind: string; actor: string; reason: string }[]>('history', MODEL);
  const rolledBack = events.at(-1);
  assert.deepEqual(
    [rolledBack?.kind, rolledBack?.actor, rolledBack?.reason],
    ['RolloutRolledBack', 'tester', 'enough'],
  );
  assert.match((await run('history', MODEL, '--last', '3')).out, /tester +RolloutRolledBack +v2/);
  assert.match((await run('get', MODEL)).out, /↺ v2 rolled back, learns on/);
  const waited = await run('status', MODEL, '--wait', '--timeout', '5s');
  assert.equal(waited.code, 1);
});

test('files of events are sent, each row once, and an interrupted sending goes on where it was', async () => {
  const csv = join(dir, 'events.csv');
  const rows = Array.from(
    { length: 1200 },
    (_, index) =>
      `${index % 2 === 0 ? 'red' : 'blue'},${String(index % 7)},${index % 3 === 0 ? 'true' : 'false'},${String(index % 2)}`,
  );
  writeFileSync(csv, `colour,size,isNew,label\n${rows.join('\n')}\n`);
  const sent = await json<{ sent: number; next: number }>('send', MODEL, csv, '--batch', '100');
  assert.deepEqual([sent.sent, sent.next], [1200, 1200]);
  const again = await json<{ sent: number }>('send', MODEL, csv);
  assert.equal(again.sent, 0);
  const restarted = await json<{ sent: number }>('send', MODEL, csv, '--restart');
  assert.equal(restarted.sent, 1200);
  await waitUntil(
    async () => {
      const { versions } = await learnerState(system, MODEL);
      if (versions[0]?.examplesLearned !== 1200) throw new Error(JSON.stringify(versions[0]));
    },
    { what: 'each row to be learned once', limitMs: 20_000 },
  );
  const ndjson = join(dir, 'more.ndjson');
  writeFileSync(ndjson, '{"colour":"red","label":1}\n{"colour":\n');
  const bad = await run('send', MODEL, ndjson);
  assert.equal(bad.code, 1);
  assert.match(bad.err, /line 2|no column/);
  assert.equal((await run('send', MODEL, join(dir, 'nothing.csv'))).code, 2);
});

test('a prediction is asked for, its truth told, and it is followed to the snapshot that contains it', async () => {
  const answer = await json<{ predictionId: string; score: number }>(
    'predict',
    MODEL,
    '--subject',
    'ada',
    '-F',
    'colour=red',
    '--id',
    'traced',
  );
  assert.equal(answer.predictionId, '0~traced');
  assert.equal((await run('feedback', MODEL, answer.predictionId, '2')).code, 2);
  assert.equal((await run('feedback', MODEL, answer.predictionId, '1')).code, 0);
  const stations = await waitUntil(
    async () => {
      const found = await json<{ what: string; words: string }[]>('trace', MODEL, answer.predictionId);
      if (found.at(-1)?.what !== 'snapshot') throw new Error(found.map(({ what }) => what).join(' '));
      return found;
    },
    { what: 'the prediction to be in a snapshot', limitMs: 20_000, everyMs: 500 },
  );
  assert.deepEqual(
    stations.map(({ what }) => what),
    ['prediction', 'plan', 'parameters', 'features', 'label', 'event', 'snapshot'],
  );
  assert.match(stations[3]?.words ?? '', /colour=red/);
  assert.equal((await run('trace', MODEL, '0~nothing')).code, 1);
  assert.equal((await run('trace', MODEL, 'nothing')).code, 2);
});

test('what freshness is worth is told from the model’s own events', async () => {
  const told = await json<{ examples: number; values: { refreshMs: number; logLossNats: number }[] }>(
    'replay',
    MODEL,
    '--refresh',
    '1s,1h',
  );
  assert.ok(told.examples >= 1200);
  assert.deepEqual(
    told.values.map(({ refreshMs }) => refreshMs),
    [0, 1000, 3_600_000],
  );
  const [atOnce, , hourly] = told.values;
  assert.ok(
    (atOnce?.logLossNats ?? 1) < (hourly?.logLossNats ?? 0),
    'all came within the hour: nothing would be known',
  );
  assert.match((await run('replay', MODEL, '--refresh', '1h')).out, /every 1 h 0 min +0\.6931/);
  assert.equal((await run('replay', MODEL, '--refresh', 'soon')).code, 2);
});

test('lag, dead letters and the doctor tell how it is', async () => {
  const lag = await json<{ group: string; lag: number }[]>('lag');
  assert.ok(lag.some(({ group }) => group === 'headrace-online-learner'));
  assert.equal((await run('dead-letters', 'list')).out, 'no dead letters\n');
  const producer = system.kafka.producer();
  await producer.connect();
  await producer.send({ topic: 'labels.v1', messages: [{ key: 'x', value: 'no Avro', partition: 0 }] });
  await producer.disconnect();
  const letters = await waitUntil(
    async () => {
      const found = await json<{ number: number; reason: string; service: string }[]>('dead-letters', 'list');
      if (found.length < 1) throw new Error(JSON.stringify(found));
      return found;
    },
    { what: 'ingest to set it aside', limitMs: 20_000 },
  );
  const [first] = letters;
  assert.equal(first?.reason, 'undecodable');
  const shown = await json<{ valueBase64: string }>('dead-letters', 'show', String(first.number));
  assert.equal(Buffer.from(shown.valueBase64, 'base64').toString(), 'no Avro');
  const redriven = await json<{ topic: string }>('dead-letters', 'redrive', String(first.number));
  assert.equal(redriven.topic, 'labels.v1');
  const doctor = await run('doctor');
  assert.equal(doctor.code, 0, doctor.out + doctor.err);
  assert.match(doctor.out, /✔ redis appendonly/);
  const ill = await runCommandLine({ ...cliEnvironment(system), HEADRACE_ROUTER_URL: 'http://127.0.0.1:9' }, [
    'doctor',
  ]);
  assert.equal(ill.code, 1);
  assert.match(ill.out, /✖ router[^\n]*\n +→ start it/);
});

test('a Parquet file is sent to its end', async () => {
  const file = join(dir, 'events.parquet');
  copyFileSync(join(REPOSITORY, 'test/fixtures/parquet/events-zstd.parquet'), file);
  const learned = async (): Promise<number> =>
    (await learnerState(system, MODEL)).versions[0]?.examplesLearned ?? NaN;
  const before = await learned();
  const sent = await json<{ sent: number }>('send', MODEL, file, '--batch', '250', '--time', 'at');
  assert.equal(sent.sent, 600);
  await waitUntil(
    async () => {
      const found = await learned();
      if (found !== before + 600) throw new Error(`${String(before)} → ${String(found)}`);
    },
    { what: 'each row to be learned once', limitMs: 20_000 },
  );
  assert.equal((await json<{ sent: number }>('send', MODEL, file, '--time', 'at')).sent, 0);
});

test('on a terminal a model is drawn again in its place as it changes, until it is interrupted', async (t) => {
  const terminal = openTerminal(`get ${MODEL} -w`, cliEnvironment(system));
  t.after(() => {
    terminal.kill();
  });
  await terminal.until(/by-hand/);
  const before = terminal.seen().length;
  assert.equal((await run('rollout', 'start', MODEL, '2')).code, 0);
  await terminal.until(/rollout: .*(warming|shadow|step 1)/);
  assert.ok(terminal.seen().slice(before).includes('\u001B['), 'lines are drawn over, not below each other');
  assert.ok(terminal.seen().includes('\u001B[?25l'), 'the cursor is hidden meanwhile');
  assert.equal(await terminal.interrupt(), 0);
  assert.ok(terminal.seen().includes('\u001B[?25h'), 'and shown again');
});

test('every other verb of an operator does what it says', async () => {
  const aborted = await run('rollout', 'abort', MODEL, '--reason', 'another comes');
  assert.equal(aborted.code, 0, aborted.err);
  assert.match(aborted.out, /rollout: aborted/);
  const { version } = await json<{ version: number }>('register', MODEL, '--learner', 'alpha=0.2');
  await waitUntil(
    async () => {
      const approved = await run('approve', MODEL, String(version), '--reason', 'looked at');
      if (approved.code !== 0) throw new Error(approved.err);
    },
    { what: 'the version to be live and approved', limitMs: 20_000 },
  );
  await waitUntil(
    async () => {
      const started = await run('rollout', 'start', MODEL, `v${String(version)}`);
      if (started.code !== 0) throw new Error(started.err + started.out);
    },
    { what: 'its rollout to begin, for which it must be live', limitMs: 20_000 },
  );
  const full = await run('rollout', 'promote', MODEL, '--full', '--reason', 'we are sure');
  assert.match(full.out, new RegExp(`✔ v${String(version)} stable`), full.err);
  const undone = await run('rollout', 'undo', MODEL, '--reason', 'we are not');
  assert.match(undone.out, /✔ v1 stable/, undone.err);
  assert.equal((await run('resume', MODEL, '1', '--reason', 'it was never halted')).code, 0);
  const retired = await run('retire', MODEL, String(version), '--reason', 'not needed');
  assert.equal(retired.code, 0, retired.err);
  const kinds = (await json<{ kind: string }[]>('history', MODEL, '--last', '20')).map(({ kind }) => kind);
  for (const kind of ['VersionApproved', 'VersionResumed', 'VersionRetired'])
    assert.ok(kinds.includes(kind), kinds.join(' '));
});

test('completion names every command, and a shell takes the script', async () => {
  const bash = await run('completion', 'bash');
  assert.equal(bash.code, 0);
  const file = join(dir, 'completion.bash');
  writeFileSync(file, bash.out);
  const script = `source ${file}; COMP_WORDS=(headrace rollout pro); COMP_CWORD=2; _headrace; echo "\${COMPREPLY[@]}"`;
  const shell = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let completed = '';
  shell.stdout.setEncoding('utf8').on('data', (text: string) => {
    completed += text;
  });
  await once(shell, 'close');
  assert.equal(completed.trim(), 'promote');
  assert.match((await run('completion', 'zsh')).out, /bashcompinit/);
  assert.equal((await run('completion', 'fish')).code, 2);
});

test('the installed command runs the same program', async () => {
  const { bin } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {
    bin: { headrace: string };
  };
  assert.ok(existsSync(join(REPOSITORY, bin.headrace)));
  const child = spawn(process.execPath, [join(REPOSITORY, bin.headrace), 'get', 'nobody'], {
    env: { ...process.env, ...cliEnvironment(system) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 1);
  assert.match(err, /model nobody does not exist/);
});
