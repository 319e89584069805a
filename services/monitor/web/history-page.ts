import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { HistoryEventView } from '../../../shared/domain/operator-views.ts';
import { useAsked } from './asked.ts';
import { count, moment, signed, versionName } from './format.ts';
import { html } from './html.ts';
import type { ModelPageState } from './merge.ts';
import { Card, Chip, Empty, Table, Term } from './parts.ts';
import type { Column } from './parts.ts';

const PAGE = 50;

interface HistoryAnswer {
  readonly count: number;
  readonly events: readonly HistoryEventView[];
}

function EvidenceOf({ event }: { readonly event: HistoryEventView }): VNode {
  const { evidence } = event.body;
  return html`<details>
    <summary>
      ${evidence == null ? 'hash' : 'evidence'}<span class="sr"> of event ${event.sequence}</span>
    </summary>
    <dl class="facts">
      <dt>hash</dt>
      <dd><code>${event.hash}</code></dd>
      <dt>before it</dt>
      <dd><code>${event.previousHash}</code></dd>
      ${
        event.reason === ''
          ? null
          : html`<dt>reason</dt>
              <dd>${event.reason}</dd>`
      }
      ${
        evidence == null
          ? null
          : html`<dt>examples</dt>
              <dd>
                ${count(evidence.examples)}, ${count(evidence.stageExamples)} in the stage;
                ${count(evidence.requests)} requests
              </dd>
              ${evidence.streams
                .filter((stream) => stream.count > 0)
                .map(
                  (stream) =>
                    html`<dt key=${stream.name}>${stream.name}</dt>
                      <dd>
                        ${signed(stream.estimate)}${stream.interval === null ? '' : ` [${signed(stream.interval[0])}, ${signed(stream.interval[1])}]`},
                        ${count(stream.count)} compared
                      </dd>`,
                )}`
      }
    </dl>
  </details>`;
}

const COLUMNS: readonly Column<HistoryEventView>[] = [
  { head: 'Event', isNumber: true, cell: ({ sequence }) => sequence },
  {
    head: 'When',
    cell: ({ atMs }) =>
      html`<time datetime=${new Date(atMs).toISOString()}>${moment(atMs, Date.now())}</time>`,
  },
  { head: 'Who', cell: ({ actor }) => actor },
  { head: 'What', cell: ({ kind }) => html`<span class="strong">${kind}</span>` },
  { head: 'Version', cell: ({ version }) => versionName(version) },
  { head: 'Why', cell: (event) => html`<span class="why">${event.body.because ?? event.reason}</span>` },
  { head: 'Evidence', cell: (event) => html`<${EvidenceOf} event=${event} />` },
];

/** Everything that happened to a model: who, what, why, on what evidence; and whether the log's chain holds. */
export function HistoryPage({
  state,
  model,
}: {
  readonly state: ModelPageState;
  readonly model: string;
}): VNode {
  const { view, status } = state;
  const [before, setBefore] = useState<readonly number[]>([]);
  const from = before.at(-1);
  // What happened moves one of these: the newest page is asked for again.
  const moved = JSON.stringify([view.traffic, view.versions, view.rollout, view.queued]);
  const page = `last=${String(PAGE)}${from === undefined ? '' : `&before=${String(from)}`}`;
  const url = `/registry/v1/models/${encodeURIComponent(model)}/history?${page}`;
  const { answer, fault } = useAsked<HistoryAnswer>(url, moved);
  const events = [...(answer?.events ?? [])].reverse();
  const oldest = events.at(-1)?.sequence;
  const hasOlder = answer !== undefined && events.length === PAGE;
  const chain = status?.chain;
  return html`<div class="stack">
    <${Card}
      title="History"
      aside=${html`
        ${
          chain === undefined
            ? null
            : html`<span class="aside" title=${`last hash ${chain.hash}`}
                ><${Term} of="chain" />
                ${chain.fault === null ? html`<${Chip} tone="good">verified<//> ${count(chain.events)} events` : html`<${Chip} tone="bad">broken<//> ${chain.fault}`}</span
              >`
        }
      `}
    >
      ${fault === '' ? null : html`<p class="refused" role="status">${fault}</p>`}
      ${
        answer === undefined
          ? fault === ''
            ? html`<p class="loading">Asking the registry …</p>`
            : html`<${Empty} title="The history is with the registry"
                >It is asked again by itself; REGISTRY_URL says where it is.<//
              >`
          : html`<${Table}
              label="Events of the model, newest first"
              columns=${COLUMNS}
              rows=${events}
              keyOf=${({ sequence }: HistoryEventView) => sequence}
            />`
      }
      <nav class="pager" aria-label="Pages of the history">
        <button type="button" disabled=${before.length === 0} onClick=${() => setBefore(before.slice(0, -1))}>
          Newer
        </button>
        <span>${count(events.length)} of ${count(answer?.count)} events</span>
        <button
          type="button"
          disabled=${!hasOlder}
          onClick=${() => oldest !== undefined && setBefore([...before, oldest])}
        >
          Older
        </button>
      </nav>
    <//>
  </div>`;
}
