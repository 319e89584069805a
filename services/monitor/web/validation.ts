import type { VNode } from 'preact';
import type { ValidationFigures, ValidationReport } from '../../../shared/domain/rollout.ts';
import { count, micros, nats, percent } from './format.ts';
import { html } from './html.ts';
import { Card, Chip, Table } from './parts.ts';
import type { Column } from './parts.ts';

const FIGURES: readonly (readonly [string, (of: ValidationFigures) => string])[] = [
  ['Log-loss', (of) => nats(of.logLossNats)],
  ['Precision', (of) => percent(of.precision)],
  ['Recall', (of) => percent(of.recall)],
  ['Calibration error', (of) => percent(of.calibrationErrorRate)],
  ['Scoring p99', (of) => micros(of.scoringP99Micros)],
];

type Row = (typeof FIGURES)[number];

/** The validation suite: candidate and baseline side by side, and what does not pass. */
export function Validation({ report }: { readonly report: ValidationReport }): VNode {
  const columns: readonly Column<Row>[] = [
    { head: '', cell: ([name]) => name },
    { head: 'Candidate', isNumber: true, cell: ([, of]) => of(report.candidate) },
    { head: 'Baseline', isNumber: true, cell: ([, of]) => of(report.baseline) },
  ];
  return html`<${Card}
    title="Validation suite"
    of="validation"
    aside=${html`<span class="muted">${count(report.examples)} examples</span>`}
  >
    <div class="narrow">
      <${Table} label="Validation suite" columns=${columns} rows=${FIGURES} keyOf=${([name]: Row) => name} />
    </div>
    ${
      report.faults.length === 0
        ? html`<p><${Chip} tone="good">passes<//></p>`
        : html`<ul class="plain-list">
            ${report.faults.map((fault) => html`<li key=${fault}><${Chip} tone="bad">fails<//> ${fault}</li>`)}
          </ul>`
    }
  <//>`;
}
