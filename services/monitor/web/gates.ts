import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { StreamEvidence } from '../../../shared/domain/rollout.ts';
import { Chart } from './chart.ts';
import { count, duration, eValue, signed } from './format.ts';
import { estimateChart, evalueChart } from './gate-chart.ts';
import { html } from './html.ts';
import type { ModelPageState } from './merge.ts';
import { Card, Chip, Table, Term } from './parts.ts';
import type { Column } from './parts.ts';
import { gateState, progressOf } from './rollout-model.ts';
import { TERMS } from './terms.ts';
import type { TermName } from './terms.ts';

const STATES = {
  against: ['bad', 'against it'],
  shown: ['good', 'shown'],
  open: ['busy', 'open'],
  clear: ['good', 'nothing against it'],
} as const;
/** Returns a difference in its stream's unit: staleness is an age, the others are shares or nats. */
const amount = (name: string, value: number | null): string =>
  name === 'staleness' ? duration(value) : signed(value);

/** Returns what a gate is explained by. */
function termOf(gate: string): TermName {
  const name = `gate-${gate}`;
  return name in TERMS ? (name as TermName) : 'gate';
}

const WIDTH = 100;
const HEIGHT = 18;

/** The interval of a gate as a line on a scale of its own, with zero in its middle. */
function Interval({ interval, estimate }: StreamEvidence): VNode | null {
  if (interval === null || estimate === null) return null;
  const reach = Math.max(Math.abs(interval[0]), Math.abs(interval[1]), 1e-9);
  const x = (value: number): number => (WIDTH / 2) * (1 + (0.94 * value) / reach);
  return html`<svg
    class="interval"
    width=${WIDTH}
    height=${HEIGHT}
    viewBox=${`0 0 ${String(WIDTH)} ${String(HEIGHT)}`}
    aria-hidden="true"
  >
    <line class="grid" x1=${WIDTH / 2} x2=${WIDTH / 2} y1="1" y2=${HEIGHT - 1} />
    <line class="range" x1=${x(interval[0])} x2=${x(interval[1])} y1=${HEIGHT / 2} y2=${HEIGHT / 2} />
    <circle cx=${x(estimate)} cy=${HEIGHT / 2} r="3.2" />
  </svg>`;
}

function Evidence({
  of,
  direction,
  kind,
}: {
  readonly of: string;
  readonly direction: StreamEvidence['promote'];
  readonly kind: 'good' | 'bad';
}): VNode | string {
  if (direction === null) return html`<span class="muted">none</span>`;
  const done = progressOf(direction);
  const words = `${eValue(direction.maxLogE)} of ${eValue(direction.thresholdLogE)}`;
  return html`<span class="evidence">
    <progress class=${kind} max="1" value=${done} aria-label=${`${of}: e-value ${words}`}></progress>
    <span class="evidence-words">${words}</span>
  </span>`;
}

function columnsOf(chosen: string, choose: (name: string) => void): readonly Column<StreamEvidence>[] {
  return [
    {
      head: html`<${Term} of="gate" />`,
      cell: ({ name }) =>
        html`<button
          type="button"
          class="link"
          aria-pressed=${name === chosen}
          onClick=${() => choose(name)}
          title=${`${TERMS[termOf(name)].short} Press to see it over time.`}
        >
          ${name}
        </button>`,
    },
    { head: 'Role', cell: ({ role }) => html`<span class="muted">${role}</span>` },
    {
      head: 'Stands',
      cell: (stream) => {
        const [tone, words] =
          stream.count === 0 && stream.name !== 'staleness'
            ? (['quiet', 'nothing yet'] as const)
            : STATES[gateState(stream)];
        return html`<${Chip} tone=${tone}>${words}<//>`;
      },
    },
    {
      head: html`<${Term} of="estimate" />`,
      isNumber: true,
      cell: ({ name, estimate }) => amount(name, estimate),
    },
    { head: '', cell: (stream) => html`<${Interval} ...${stream} />` },
    {
      head: 'Interval',
      isNumber: true,
      cell: ({ interval }) => (interval === null ? '–' : `${signed(interval[0])} … ${signed(interval[1])}`),
    },
    { head: 'Last window', isNumber: true, cell: ({ name, lastWindow }) => amount(name, lastWindow) },
    {
      head: html`<${Term} of="evalue" as="E-value to promote" />`,
      cell: ({ name, promote }) =>
        html`<${Evidence} of=${`${name}, to promote`} direction=${promote} kind="good" />`,
    },
    {
      head: html`<${Term} of="evalue" as="E-value to roll back" />`,
      cell: ({ name, rollback }) =>
        html`<${Evidence} of=${`${name}, to roll back`} direction=${rollback} kind="bad" />`,
    },
    { head: 'Compared', isNumber: true, cell: ({ count: compared }) => count(compared) },
  ];
}

/** Every gate of the rollout, and the chosen one over time. */
export function Gates({ state }: { readonly state: ModelPageState }): VNode | null {
  const [chosen, choose] = useState<string | undefined>(undefined);
  const gates = state.view.verdict?.evidence.streams;
  if (gates === undefined) return null;
  const decisive =
    gates.find((gate) => gateState(gate) === 'against') ?? gates.find((gate) => gateState(gate) === 'open');
  const shown = gates.find(({ name }) => name === chosen) ?? decisive ?? gates[0];
  return html`<${Card}
    title="Gates"
    of="gate"
    aside=${html`<span class="muted">candidate less baseline, on the same requests</span>`}
  >
    <${Table}
      label="Gates"
      columns=${columnsOf(shown?.name ?? '', choose)}
      rows=${gates}
      keyOf=${({ name }: StreamEvidence) => name}
    />
    ${
      shown === undefined
        ? null
        : html`<div class="columns gate-charts" key=${shown.name}>
            <div>
              <h3><${Term} of=${termOf(shown.name)} as=${shown.name} />: evidence over time (ln e)</h3>
              <${Chart} ...${evalueChart(shown, state.streams)} />
            </div>
            <div>
              <h3>${shown.name}: difference over time</h3>
              <${Chart} ...${estimateChart(shown, state.streams, state.view.policy)} />
            </div>
          </div>`
    }
  <//>`;
}
