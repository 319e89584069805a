import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { before, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { DASHBOARDS } from '../../deploy/grafana/panels.ts';
import { choosePorts } from '../../deploy/local/ports.ts';
import { ensurePrerequisites } from '../../deploy/local/prerequisites.ts';
import { runCommand } from '../../deploy/local/run-command.ts';
import { waitUntil } from '../../deploy/local/wait-until.ts';
import { serveSmallModel, smallEvent } from '../support/small-model.ts';
import { useSystem } from '../support/system.ts';

const WATCHING = resolve(import.meta.dirname, '../../deploy/prometheus');
const RULES = ['recording.rules.yml', 'alerts.rules.yml'].map((file) => join(WATCHING, 'rules', file));
const MODEL = 'watched';

before(() => ensurePrerequisites(['prometheus'], { env: process.env, onProgress: () => undefined }));
const system = useSystem();

test('promtool finds the configurations and the rules sound, and every alert fires when it should', async () => {
  for (const file of ['prometheus.yml', 'prometheus.local.yml'])
    await runCommand({ command: 'promtool', args: ['check', 'config', join(WATCHING, file)] });
  await runCommand({
    command: 'promtool',
    args: ['test', 'rules', join(WATCHING, 'rules', 'alerts.test.yml')],
  });
});

/** Starts a Prometheus of the test's own that scrapes the running services by the rules of this repository. */
async function startPrometheus(dir: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const [port = 0] = await choosePorts(1, []);
  const services = system.fleet.all.map(({ name, url }) => ({
    job_name: name,
    static_configs: [{ targets: [new URL(url).host] }],
  }));
  const template = parse(readFileSync(join(WATCHING, 'prometheus.local.yml'), 'utf8')) as {
    scrape_configs: { job_name: string }[];
  };
  assert.deepEqual(
    services.map((one) => one.job_name).sort(),
    template.scrape_configs.map((one) => one.job_name).sort(),
  );
  const config = {
    ...template,
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: RULES,
    scrape_configs: services,
  };
  writeFileSync(join(dir, 'prometheus.yml'), stringify(config));
  const url = `http://127.0.0.1:${String(port)}`;
  const prometheus = spawn(
    'prometheus',
    [
      `--config.file=${join(dir, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${String(port)}`,
    ],
    { stdio: ['ignore', 'ignore', 'ignore'] },
  );
  const ended = once(prometheus, 'exit');
  return {
    url,
    stop: async () => {
      prometheus.kill('SIGKILL'); // nothing of it is kept
      await ended;
    },
  };
}

interface Answer {
  readonly status: string;
  readonly data: {
    readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[];
  };
}

test('a Prometheus that scrapes the running services has data for the panels, and finds no alert', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'headrace-prometheus-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  await serveSmallModel(system, MODEL);
  const { url, stop } = await startPrometheus(dir);
  t.after(stop);
  const ask = async (query: string): Promise<Answer['data']['result']> => {
    const answer = (await (
      await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`)
    ).json()) as Answer;
    assert.equal(answer.status, 'success', query);
    return answer.data.result;
  };

  /** Traffic in every round: rates need several scrapes that differ. */
  let round = 0;
  async function traffic(): Promise<void> {
    round += 1;
    const { http } = system;
    const events = [1, 2, 3].map((nth) => smallEvent(nth, { id: `${String(round)}-${String(nth)}` }));
    await http.send('POST', `${system.url('ingest')}/v1/models/${MODEL}/events`, events);
    const body = { subject: 'ada', features: { colour: 'red' }, id: String(round) };
    const { status } = await http.send('POST', `${system.url('router')}/v1/models/${MODEL}/predict`, body);
    assert.equal(status, 200);
    await http.send('POST', `${system.url('ingest')}/v1/models/${MODEL}/labels`, {
      predictionId: `0~${String(round)}`,
      label: 1,
    });
  }

  // What a panel shows only when something has gone wrong, or when a rollout is under way.
  const QUIET =
    /Screened|Dead letters|not logged|Failed scoring|Evidence|Verdicts|Maturity|window is open|Steps of rollouts|Delay of labels/;
  const wanted = DASHBOARDS.flatMap(({ panels }) => panels)
    .filter(({ title }) => !QUIET.test(title))
    .flatMap(({ title, lines }) =>
      lines.map(([query]) => ({ title, query: query.replace('=~"$model"', `="${MODEL}"`) })),
    );
  assert.ok(wanted.length > 20);
  await waitUntil(
    async () => {
      await traffic();
      const empty: string[] = [];
      for (const { title, query } of wanted) if ((await ask(query)).length === 0) empty.push(title);
      if (empty.length > 0) throw new Error(`no data for ${empty.join(', ')}`);
    },
    { what: 'every panel to have data', limitMs: 60_000, everyMs: 500 },
  );
  assert.equal((await ask('headrace_service_ready == 1')).length, system.fleet.all.length);
  assert.ok(Number((await ask(`headrace_learner_examples{model="${MODEL}"}`))[0]?.value[1]) > 0);
  assert.deepEqual(
    (await ask('ALERTS{alertstate="firing"}')).map(({ metric }) => metric),
    [],
  );
});
