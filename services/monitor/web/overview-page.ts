import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { basisPoints, count, duration, nats, percent, rate, versionName } from './format.ts';
import { html } from './html.ts';
import type { OverviewState } from './merge.ts';
import { gainOf, pageOf, totalsOf } from './overview-model.ts';
import type { ModelRow, OverviewQuery, SortKey } from './overview-model.ts';
import { Card, Chip, Empty, Stat, Table, Term } from './parts.ts';
import type { Column } from './parts.ts';
import { modelHref } from './route.ts';
import { TERMS } from './terms.ts';
import type { TermName } from './terms.ts';

const MAKE_ONE = `npm run -s headrace -- lint spec.yaml
npm run -s headrace -- create -f spec.yaml
npm run -s headrace -- publish <model>`;

function standOf({ phase, isPaused, candidate, weightBp }: ModelRow): VNode | string {
  if (phase === null) return '';
  const share = candidate === null ? '' : ` ${versionName(candidate)} ${basisPoints(weightBp)}`;
  if (isPaused && (phase === 'warming' || phase === 'shadow' || phase === 'canary'))
    return html`<${Chip} tone="warn">paused in ${phase}${share}<//>`;
  if (phase === 'canary') return html`<${Chip} tone="busy">canary${share}<//>`;
  if (phase === 'warming' || phase === 'shadow') return html`<${Chip} tone="busy">${phase}<//>`;
  if (phase === 'rolledBack') return html`<${Chip} tone="bad">rolled back<//>`;
  return html`<${Chip} tone="quiet">${phase}<//>`;
}

function columnsOf(query: OverviewQuery, sortBy: (sort: SortKey) => void): readonly Column<ModelRow>[] {
  const head = (sort: SortKey, of: TermName, as?: string): VNode =>
    html`<button
      type="button"
      class=${query.sort === sort ? 'sort on' : 'sort'}
      aria-pressed=${query.sort === sort}
      title=${`${TERMS[of].short} Press to order by it.`}
      onClick=${() => sortBy(sort)}
    >
      ${as ?? of}${query.sort === sort ? ' ▾' : ''}
    </button>`;
  return [
    {
      head: head('name', 'model', 'Model'),
      cell: ({ name }) => html`<a class="strong" href=${modelHref(name)}>${name}</a>`,
    },
    { head: html`<${Term} of="stable" />`, cell: ({ stable }) => versionName(stable) },
    {
      head: html`<${Term} of="rollout" />`,
      cell: (row) => html`<a class="plain" href=${modelHref(row.name, 'rollout')}>${standOf(row)}</a>`,
    },
    {
      head: head('predictionsPerSecond', 'traffic', 'Predictions/s'),
      isNumber: true,
      cell: (row) => rate(row.predictionsPerSecond),
    },
    {
      head: head('eventsPerSecond', 'events', 'Events/s'),
      isNumber: true,
      cell: (row) => rate(row.eventsPerSecond),
    },
    {
      head: head('freshnessMs', 'freshness', 'Freshness p99'),
      isNumber: true,
      cell: (row) => duration(row.freshnessMs),
    },
    { head: html`<${Term} of="loss" as="Log-loss" />`, isNumber: true, cell: (row) => nats(row.loss) },
    { head: head('gain', 'base', 'Below base rate'), isNumber: true, cell: (row) => percent(gainOf(row)) },
    { head: head('lag', 'lag', 'Lag'), isNumber: true, cell: (row) => count(row.lag) },
    {
      head: head('alarms', 'alarms', 'Alarms'),
      cell: ({ alarms }) =>
        alarms.map(
          ({ tone, text }) =>
            html`<span key=${text} class="alarm" title=${text}><${Chip} tone=${tone}>${text}<//></span>`,
        ),
    },
  ];
}

function Pager({
  page,
  pages,
  go,
}: {
  readonly page: number;
  readonly pages: number;
  readonly go: (page: number) => void;
}): VNode | null {
  if (pages === 1) return null;
  return html`<nav class="pager" aria-label="Pages of models">
    <button type="button" disabled=${page === 0} onClick=${() => go(page - 1)}>Back</button>
    <span>page ${page + 1} of ${pages}</span>
    <button type="button" disabled=${page === pages - 1} onClick=${() => go(page + 1)}>Next</button>
  </nav>`;
}

/** All models: what they do, how fresh they are, what somebody should look at. */
export function OverviewPage({ state }: { readonly state: OverviewState }): VNode {
  const [query, setQuery] = useState<OverviewQuery>({ text: '', onlyAlarms: false, sort: 'alarms', page: 0 });
  const change = (more: Partial<OverviewQuery>): void => {
    setQuery((known) => ({ ...known, page: 0, ...more }));
  };
  const totals = totalsOf(state.rows.values());
  const { rows, found, page, pages } = pageOf(state.rows.values(), query);
  if (totals.models === 0)
    return html`<${Empty} title="No models yet" command=${MAKE_ONE}>
      A model is a prediction task: features, a label, a learner. Write a spec in YAML, make the model, and
      publish a first version. <code>npm run demo -- --keep</code> shows one at work.
    <//>`;
  const { worstFreshness, bad, warn } = totals;
  return html`<div class="stack">
    <div class="stats">
      <${Stat}
        of="model"
        as="Models"
        value=${count(totals.models)}
        below=${`${count(totals.rollouts)} in a rollout`}
      />
      <${Stat}
        of="traffic"
        as="Predictions/s"
        value=${rate(totals.predictionsPerSecond)}
        below="all models"
      />
      <${Stat} of="events" value=${rate(totals.eventsPerSecond)} below="learned" />
      <${Stat}
        of="freshness"
        value=${duration(worstFreshness?.freshnessMs)}
        below=${worstFreshness === undefined ? 'no answers yet' : `p99, worst: ${worstFreshness.name}`}
      />
      <${Stat}
        of="alarms"
        value=${count(bad + warn)}
        below=${bad + warn === 0 ? 'all is well' : `${count(bad)} bad, ${count(warn)} to look at`}
        tone=${bad > 0 ? 'bad' : warn > 0 ? 'warn' : 'good'}
      />
    </div>
    <${Card}
      title="Models"
      aside=${html`
        <label class="field inline"
          ><span class="sr">Find a model by its name</span
          ><input
            type="search"
            placeholder="Find by name"
            value=${query.text}
            onInput=${(event: Event) => change({ text: (event.target as HTMLInputElement).value })}
        /></label>
        <label class="field inline"
          ><input
            type="checkbox"
            checked=${query.onlyAlarms}
            onChange=${(event: Event) => change({ onlyAlarms: (event.target as HTMLInputElement).checked })}
          />
          with alarms</label
        >
      `}
    >
      ${
        found === 0
          ? html`<${Empty} title="No model is like that">Another name, or without “with alarms”.<//>`
          : html`<${Table}
              label="Models"
              columns=${columnsOf(query, (sort) => change({ sort }))}
              rows=${rows}
              keyOf=${(row: ModelRow) => row.name}
            />`
      }
      <${Pager} page=${page} pages=${pages} go=${(to: number) => change({ page: to })} />
    <//>
  </div>`;
}
