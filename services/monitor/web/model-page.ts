import type { VNode } from 'preact';
import { Chart } from './chart.ts';
import { basisPoints, count, duration, micros, moment, nats, percent, rate, versionName } from './format.ts';
import { html } from './html.ts';
import type { ModelPageState } from './merge.ts';
import { armsChart, calibrationChart, freshnessChart, lossChart, trafficChart } from './model-charts.ts';
import { Alarms, Card, Chip, Empty, Stat, Table, Term, VersionMark } from './parts.ts';
import type { Column } from './parts.ts';
import { Reliability } from './reliability.ts';
import { armsOf, figuresOf, isOpen, qualityOf, roleOf } from './roles.ts';
import type { ArmFigures, VersionFigures } from './roles.ts';
import { modelHref } from './route.ts';

function versionColumns({ view }: ModelPageState): readonly Column<VersionFigures>[] {
  const role = (version: number): VNode | string => {
    const state = view.versions.find((one) => one.version === version);
    if (state === undefined) return '';
    const { tone, words } = roleOf(view, state);
    return html`<${Chip} tone=${tone}>${words}<//>`;
  };
  return [
    {
      head: html`<${Term} of="version" />`,
      cell: ({ version }) => html`<${VersionMark} version=${version} />`,
    },
    { head: 'Role', cell: ({ version }) => role(version) },
    { head: html`<${Term} of="learned" />`, isNumber: true, cell: ({ learner }) => count(learner.examples) },
    {
      head: html`<${Term} of="loss" as="Recent loss" />`,
      isNumber: true,
      cell: (one) => nats(qualityOf(one).recentLogLoss),
    },
    {
      head: html`<${Term} of="base" />`,
      isNumber: true,
      cell: (one) => nats(qualityOf(one).baseRateLogLoss),
    },
    {
      head: html`<${Term} of="accuracy" />`,
      isNumber: true,
      cell: (one) => percent(qualityOf(one).accuracyRate),
    },
    {
      head: html`<${Term} of="calibration" as="Calibration error" />`,
      isNumber: true,
      cell: (one) => percent(qualityOf(one).expectedCalibrationError),
    },
    {
      head: html`<${Term} of="served" />`,
      isNumber: true,
      cell: ({ predictions }) => count(predictions.served),
    },
    {
      head: html`<${Term} of="failed" />`,
      isNumber: true,
      cell: ({ predictions }) => count(predictions.failed),
    },
    {
      head: html`<${Term} of="scoring" />`,
      isNumber: true,
      cell: ({ predictions }) => micros(predictions.scoringMicros.p99),
    },
  ];
}

const ARM_COLUMNS: readonly Column<ArmFigures>[] = [
  { head: html`<${Term} of="arm" />`, cell: ({ arm }) => arm },
  {
    head: html`<${Term} of="traffic" as="Predictions" />`,
    isNumber: true,
    cell: ({ predictions }) => count(predictions),
  },
  {
    head: html`<${Term} of="latency" />`,
    isNumber: true,
    cell: ({ latencyMicros }) => micros(latencyMicros.p99),
  },
  {
    head: html`<${Term} of="loss" as="Loss of answers" />`,
    isNumber: true,
    cell: ({ answered }) => nats(answered.recentLogLoss),
  },
];

function Stats({ view }: ModelPageState): VNode {
  const { report, traffic, rates, rollout } = view;
  const figures = figuresOf(view);
  const stable = figures.find(({ version }) => version === traffic.stable);
  const quality = stable === undefined ? undefined : qualityOf(stable);
  const loss = quality?.recentLogLoss;
  const base = quality?.baseRateLogLoss;
  const gain = loss == null || base == null ? null : 1 - loss / base;
  const lag = report === null ? null : Object.values(report.lag).reduce((sum, one) => sum + one, 0);
  const { labels } = report ?? {};
  return html`<div class="stats">
    <${Stat}
      of="stable"
      value=${versionName(traffic.stable)}
      below=${traffic.candidate === null ? `plan ${String(traffic.planVersion)}` : `${versionName(traffic.candidate)} has ${basisPoints(traffic.candidateWeightBp)}`}
    />
    <${Stat}
      of="loss"
      as="Recent log-loss"
      value=${nats(loss)}
      below=${gain === null ? 'no labels yet' : `${percent(Math.abs(gain))} ${gain >= 0 ? 'below' : 'above'} the base rate`}
      tone=${gain === null ? undefined : gain >= 0 ? 'good' : 'warn'}
    />
    <${Stat}
      of="traffic"
      as="Predictions/s"
      value=${rate(rates.predictionsPerSecond)}
      below=${`${count(labels?.predictions)} in all`}
    />
    <${Stat}
      of="events"
      value=${rate(rates.eventsPerSecond)}
      below=${`${count(stable?.learner.examples)} learned`}
    />
    <${Stat}
      of="freshness"
      as="Freshness p50"
      value=${duration(report?.freshnessMs.p50)}
      below=${`p99 ${duration(report?.freshnessMs.p99)}, since the start`}
    />
    <${Stat}
      of="staleness"
      as="Staleness p99"
      value=${duration(report?.stalenessMs.p99)}
      below=${`p50 ${duration(report?.stalenessMs.p50)}`}
    />
    <${Stat} of="labels" value=${count(labels?.labelled)} below=${`${count(labels?.defaulted)} by default`} />
    <${Stat}
      of="lag"
      value=${count(lag)}
      below=${report?.watermarkMs == null ? 'no watermark yet' : `labels to ${moment(report.watermarkMs, Date.now())}`}
    />
    ${
      rollout !== null && isOpen(rollout.phase)
        ? html`<${Stat}
            of="rollout"
            value=${html`<a href=${modelHref(view.model.spec.name, 'rollout')}>${versionName(rollout.candidate)} ${rollout.phase}</a>`}
            below=${rollout.pausedBecause === null ? 'under way' : 'paused'}
            tone=${rollout.pausedBecause === null ? undefined : 'warn'}
          />`
        : null
    }
  </div>`;
}

function emptyOf({ view }: ModelPageState): VNode {
  const { name } = view.model.spec;
  if (view.versions.length === 0)
    return html`<${Empty}
      title="This model has no version yet"
      command=${`npm run -s headrace -- publish ${name}`}
    >
      A version is a learner. It begins to learn at once, from what events come; <code>publish</code> makes
      one and lets it answer.
    <//>`;
  return html`<${Empty}
    title="Nothing has been measured yet"
    command=${`npm run -s headrace -- send ${name} events.csv\nnpm run -s headrace -- predict ${name} --subject someone -F feature=value`}
  >
    Figures come with the first event that is learned or prediction that is answered. Where several monitors
    run, each has the figures of its own shards: this model’s may be with another one.
  <//>`;
}

/** One model: how good and how fresh it is, who answers, and how that went. */
export function ModelPage({ state }: { readonly state: ModelPageState }): VNode {
  const { view, series } = state;
  const figures = figuresOf(view).filter(
    ({ version }) => view.versions.find((one) => one.version === version)?.life !== 'retired',
  );
  const isEmpty = figures.length === 0;
  return html`<div class="stack">
    <${Alarms} alarms=${view.alarms} />
    <${Stats} ...${state} />
    ${
      isEmpty
        ? emptyOf(state)
        : html`
            <${Card}
              title="Progressive loss"
              of="loss"
              aside=${html`<span class="muted">band: about 95 %, pointwise</span>`}
            >
              <${Chart} ...${lossChart(view, series)} />
            <//>
            <div class="columns">
              <${Card}
                title="Traffic by version"
                of="traffic"
                aside=${html`<span class="muted">predictions per second</span>`}
                ><${Chart} ...${trafficChart(view, series)}
              /><//>
              <${Card} title="Freshness" of="freshness"><${Chart} ...${freshnessChart(series)} /><//>
              <${Card}
                title="Traffic by arm"
                of="arm"
                aside=${html`<span class="muted">predictions per second</span>`}
                ><${Chart} ...${armsChart(series)}
              /><//>
              <${Card} title="Calibration error" of="calibration"
                ><${Chart} ...${calibrationChart(series)}
              /><//>
            </div>
            <div class="columns wide-first">
              <div class="stack">
                <${Card} title="Versions" of="version"
                  ><${Table}
                    label="Living versions"
                    columns=${versionColumns(state)}
                    rows=${figures}
                    keyOf=${({ version }: VersionFigures) => version}
                /><//>
                <${Card} title="Arms" of="arm"
                  ><${Table}
                    label="Arms"
                    columns=${ARM_COLUMNS}
                    rows=${armsOf(view)}
                    keyOf=${({ arm }: ArmFigures) => arm}
                /><//>
              </div>
              <${Card} title="Calibration" of="calibration"><${Reliability} figures=${figures} /><//>
            </div>
          `
    }
  </div>`;
}
