import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { before, test } from 'node:test';
import { parse } from 'yaml';
import { DASHBOARDS, dashboardJson } from '../../../deploy/grafana/panels.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';
import { EVERY_SERVICE, METRICS } from './service-metrics.ts';

const REPOSITORY = resolve(import.meta.dirname, '../../..');
const text = (file: string): string => readFileSync(join(REPOSITORY, file), 'utf8');

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly annotations?: { readonly runbook: string };
}
const rulesOf = (file: string): Rule[] =>
  (parse(text(`deploy/prometheus/rules/${file}`)) as { groups: { rules: Rule[] }[] }).groups.flatMap(
    ({ rules }) => rules,
  );
const recorded = rulesOf('recording.rules.yml');
const alerts = rulesOf('alerts.rules.yml');

/** Names that Prometheus and Node bring. */
const BROUGHT = ['up', 'time'];
/** Every metric, with its labels; each job's own and those that a histogram makes of one. */
const known = new Map<string, readonly string[]>();

before(async () => {
  const metrics = createMetrics();
  for (const make of Object.values({ ...EVERY_SERVICE, ...METRICS })) await make(metrics);
  for (const { name } of await metrics.registry.getMetricsAsJSON()) {
    const { labelNames } = metrics.registry.getSingleMetric(name) as unknown as { labelNames: string[] };
    for (const suffix of ['', '_bucket', '_sum', '_count'])
      known.set(`${name}${suffix}`, [...labelNames, 'job', 'instance', 'le']);
  }
  for (const { record = '' } of recorded) known.set(record, ['model', 'outcome']);
});

/** Returns names in a query that are metrics, with the labels that are asked of each. */
function metricsIn(expr: string): { name: string; labels: string[] }[] {
  return [...expr.matchAll(/\b((?:headrace|process|nodejs)[a-zA-Z0-9_:]*|up)\b(?:\{([^}]*)\})?/g)].map(
    ([, name = '', matchers = '']) => ({
      name,
      labels: [...matchers.matchAll(/([a-z_]+)\s*(?:=~|!=|=)/g)].map(([, label = '']) => label),
    }),
  );
}

function assertKnown(expr: string, where: string): void {
  const found = metricsIn(expr);
  assert.ok(found.length > 0, `${where} asks for nothing: ${expr}`);
  for (const { name, labels } of found) {
    if (BROUGHT.includes(name)) continue;
    const has = known.get(name);
    assert.ok(has !== undefined, `${where}: there is no metric ${name}`);
    for (const label of labels) assert.ok(has.includes(label), `${where}: ${name} has no label ${label}`);
  }
}

test('rules ask for metrics that exist, by labels that they have', () => {
  for (const { alert, record, expr } of [...recorded, ...alerts]) assertKnown(expr, alert ?? record ?? '');
});

test('panels ask for metrics that exist, by labels that they have', () => {
  for (const { title, panels } of DASHBOARDS) {
    for (const panel of panels)
      for (const [expr] of panel.lines) assertKnown(expr, `${title}: ${panel.title}`);
  }
});

test('a name that no service has is found', () => {
  assert.throws(() => {
    assertKnown('rate(headrace_router_nonsense_total[5m])', 'test');
  }, /there is no metric headrace_router_nonsense_total/);
  assert.throws(() => {
    assertKnown('headrace_service_ready{nonsense="1"}', 'test');
  }, /headrace_service_ready has no label nonsense/);
});

test('every alert has a section of the runbook, and every section an alert', () => {
  const sections = [...text('deploy/prometheus/README.md').matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
  assert.deepEqual(
    sections,
    alerts.map(({ alert }) => alert),
  );
  for (const { alert = '', annotations } of alerts)
    assert.equal(annotations?.runbook, `deploy/prometheus/README.md#${alert.toLowerCase()}`);
});

test('every alert has a unit test in which it fires', () => {
  const { tests } = parse(text('deploy/prometheus/rules/alerts.test.yml')) as { tests: { name: string }[] };
  assert.deepEqual(
    tests.map(({ name }) => name),
    [...alerts.map(({ alert }) => alert), 'a system that is well'],
  );
});

test('the dashboards are what `node deploy/grafana/main.ts` writes', () => {
  const files = globSync('deploy/grafana/dashboards/*.json', { cwd: REPOSITORY });
  assert.equal(files.length, DASHBOARDS.length);
  for (const dashboard of DASHBOARDS)
    assert.deepEqual(
      JSON.parse(text(`deploy/grafana/dashboards/${dashboard.uid}.json`)),
      JSON.parse(JSON.stringify(dashboardJson(dashboard))),
    );
});
