import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { VersionState } from '../../../shared/domain/model-directory.ts';
import { count, moment } from './format.ts';
import { html } from './html.ts';
import type { ModelPageState } from './merge.ts';
import { Card, Chip, Empty, Table, Term, VersionMark } from './parts.ts';
import type { Column } from './parts.ts';
import { figuresOf, roleOf } from './roles.ts';
import { compared, keptOf, lineageOf } from './versions-model.ts';
import type { ComparedRow, Descendant } from './versions-model.ts';

function columnsOf({ view }: ModelPageState): readonly Column<Descendant>[] {
  const figures = figuresOf(view);
  return [
    {
      head: html`<${Term} of="version" />`,
      cell: ({ version, depth }) =>
        html`<span class=${`depth-${String(Math.min(depth, 6))}`}
          >${depth === 0 ? null : html`<span class="muted" aria-hidden="true">└ </span>`}<${VersionMark}
            version=${version.version}
        /></span>`,
    },
    {
      head: 'Role',
      cell: ({ version }) => {
        const { tone, words } = roleOf(view, version);
        return html`<${Chip} tone=${tone}>${words}<//>`;
      },
    },
    {
      head: html`<${Term} of="birth" />`,
      cell: ({ version }) =>
        version.parent === null ? version.mode : `${version.mode} of v${String(version.parent)}`,
    },
    { head: 'Knowledge kept', cell: ({ version }) => keptOf(version) },
    {
      head: html`<${Term} of="position" as="Born at" />`,
      isNumber: true,
      cell: ({ version }) => count(version.bornPosition),
    },
    {
      head: html`<${Term} of="learned" />`,
      isNumber: true,
      cell: ({ version }) => count(figures.find((one) => one.version === version.version)?.learner.examples),
    },
    { head: 'Registered', cell: ({ version }) => moment(version.registeredAtMs, Date.now()) },
  ];
}

const COMPARED: readonly Column<ComparedRow>[] = [
  { head: '', cell: ({ name }) => name },
  {
    head: 'First',
    cell: ({ values, isDifferent }) =>
      html`<span class=${isDifferent ? 'strong' : 'muted'}>${values[0]}</span>`,
  },
  {
    head: 'Second',
    cell: ({ values, isDifferent }) =>
      html`<span class=${isDifferent ? 'strong' : 'muted'}>${values[1]}</span>`,
  },
];

function Choose({
  label,
  versions,
  chosen,
  choose,
}: {
  readonly label: string;
  readonly versions: readonly VersionState[];
  readonly chosen: number;
  readonly choose: (version: number) => void;
}): VNode {
  return html`<label class="field inline"
    >${label}
    <select
      value=${chosen}
      onChange=${(event: Event) => choose(Number((event.target as HTMLSelectElement).value))}
    >
      ${versions.map(({ version }) => html`<option key=${version} value=${version}>v${version}</option>`)}
    </select>
  </label>`;
}

function Compare({ state }: { readonly state: ModelPageState }): VNode | null {
  const { view } = state;
  const { versions, traffic, rollout } = view;
  const [first, setFirst] = useState(rollout?.baseline ?? traffic.stable ?? versions[0]?.version ?? 1);
  const [second, setSecond] = useState(rollout?.candidate ?? versions.at(-1)?.version ?? 1);
  const [a, b] = [first, second].map((wanted) => versions.find(({ version }) => version === wanted));
  if (versions.length < 2 || a === undefined || b === undefined) return null;
  const columns = COMPARED.map((column, at) =>
    at === 0
      ? column
      : { ...column, head: html`<${VersionMark} version=${at === 1 ? a.version : b.version} />` },
  );
  return html`<${Card}
    title="Compare two"
    aside=${html`
      <${Choose} label="First" versions=${versions} chosen=${first} choose=${setFirst} />
      <${Choose} label="Second" versions=${versions} chosen=${second} choose=${setSecond} />
    `}
  >
    <${Table}
      label="Two versions side by side"
      columns=${columns}
      rows=${compared(view, [a, b])}
      keyOf=${({ name }: ComparedRow) => name}
    />
  <//>`;
}

/** Where each version came from, what it kept, and two of them side by side. */
export function VersionsPage({
  state,
  model,
}: {
  readonly state: ModelPageState;
  readonly model: string;
}): VNode {
  const { versions } = state.view;
  if (versions.length === 0)
    return html`<${Empty} title="No versions yet" command=${`npm run -s headrace -- publish ${model}`}>
      The first version begins from nothing and learns from what events come. Later ones begin as copies of
      it, with other settings.
    <//>`;
  return html`<div class="stack">
    <${Card}
      title="Lineage"
      of="lineage"
      aside=${html`<span class="muted">${count(versions.length)} in all</span>`}
    >
      <${Table}
        label="Versions and their parents"
        columns=${columnsOf(state)}
        rows=${lineageOf(versions)}
        keyOf=${({ version }: Descendant) => version.version}
      />
    <//>
    <${Compare} state=${state} />
  </div>`;
}
