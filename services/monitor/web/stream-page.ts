import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { RepeatedRow } from '../domain/page/messages.ts';
import type { PartitionLag } from '../../../shared/domain/operator-views.ts';
import { DeadLetters } from './dead-letters.ts';
import { count, moment } from './format.ts';
import { html } from './html.ts';
import type { StreamState } from './merge.ts';
import { Card, Empty, Stat, Table, Term } from './parts.ts';
import type { Column } from './parts.ts';
import { modelHref } from './route.ts';

const FIRST_ROWS = 20;

const LAG: readonly Column<PartitionLag>[] = [
  { head: 'Consumer group', cell: ({ group }) => group },
  { head: 'Topic', cell: ({ topic }) => html`<code>${topic}</code>` },
  { head: 'Partition', isNumber: true, cell: ({ partition }) => partition },
  { head: html`<${Term} of="position" />`, isNumber: true, cell: ({ committed }) => count(committed) },
  { head: 'End', isNumber: true, cell: ({ end }) => count(end) },
  {
    head: html`<${Term} of="lag" />`,
    isNumber: true,
    cell: ({ lag }) => html`<span class=${lag > 0 ? 'strong' : ''}>${count(lag)}</span>`,
  },
];

const REPEATED: readonly Column<RepeatedRow>[] = [
  {
    head: html`<${Term} of="model" />`,
    cell: ({ model }) => html`<a class="strong" href=${modelHref(model)}>${model}</a>`,
  },
  { head: 'Predictions', isNumber: true, cell: ({ predictions }) => count(predictions) },
  {
    head: html`<${Term} of="labels" as="Labelled" />`,
    isNumber: true,
    cell: ({ labelled }) => count(labelled),
  },
  { head: 'By default', isNumber: true, cell: ({ defaulted }) => count(defaulted) },
  { head: html`<${Term} of="repeated" />`, isNumber: true, cell: ({ repeated }) => count(repeated) },
  {
    head: html`<${Term} of="watermark" />`,
    cell: ({ watermarkMs }) => (watermarkMs === null ? '–' : moment(watermarkMs, Date.now())),
  },
];

/** What flows: how far consumers are, what comes twice, what was set aside. */
export function StreamPage({ state }: { readonly state: StreamState }): VNode {
  const [isAll, setAll] = useState(false);
  const { view } = state;
  if (view === undefined) return html`<p class="loading">Asking Kafka …</p>`;
  const { lag, deadLetters, models, fault } = view;
  const total = lag.reduce((sum, row) => sum + row.lag, 0);
  const repeated = models.reduce((sum, row) => sum + row.repeated, 0);
  const letters = deadLetters === null ? undefined : deadLetters.end - deadLetters.start;
  return html`<div class="stack">
    ${fault === null ? null : html`<p class="refused" role="status">Kafka does not say how far consumers are: ${fault}. It is asked again by itself.</p>`}
    <div class="stats">
      <${Stat} of="lag" value=${fault === null ? count(total) : '–'} below="all consumer groups" />
      <${Stat}
        of="position"
        as="Partitions"
        value=${fault === null ? count(lag.length) : '–'}
        below="that hold anything, by group"
      />
      <${Stat} of="duplicates" value=${count(repeated)} below="since measuring began" />
      <${Stat}
        of="deadletters"
        value=${count(letters)}
        below="kept 30 days"
        tone=${letters === undefined || letters === 0 ? 'good' : 'warn'}
      />
    </div>
    <${Card} title="Consumers" of="lag" aside=${html`<span class="muted">the furthest behind first</span>`}>
      ${
        lag.length === 0
          ? html`<${Empty}
              title="Nothing has flowed yet"
              command="npm run -s headrace -- send <model> events.csv"
              >Partitions appear with their first record.<//
            >`
          : html`<${Table}
              label="Consumer groups by partition"
              columns=${LAG}
              rows=${isAll ? lag : lag.slice(0, FIRST_ROWS)}
              keyOf=${({ group, topic, partition }: PartitionLag) => `${group}/${topic}/${String(partition)}`}
            />`
      }
      ${lag.length > FIRST_ROWS ? html`<button type="button" class="link" onClick=${() => setAll(!isAll)}>${isAll ? 'Fewer' : `All ${count(lag.length)}`}</button>` : null}
    <//>
    <${Card}
      title="Duplicates and labels"
      of="duplicates"
      aside=${html`<span class="muted">the most repeated first</span>`}
    >
      ${
        models.length === 0
          ? html`<${Empty} title="No model is measured here yet">Rows come with a model’s first event.<//>`
          : html`<${Table}
              label="What came twice, by model"
              columns=${REPEATED}
              rows=${models.slice(0, FIRST_ROWS)}
              keyOf=${({ model }: RepeatedRow) => model}
            />`
      }
    <//>
    <${DeadLetters} end=${deadLetters?.end} />
  </div>`;
}
