import type { ComponentChildren, VNode } from 'preact';
import type { Alarm } from '../domain/page/messages.ts';
import { html } from './html.ts';
import { TERMS } from './terms.ts';
import type { TermName } from './terms.ts';

/** A name with what it means: a title, and a link to more. */
export function Term({ of, as }: { readonly of: TermName; readonly as?: string }): VNode {
  const { name, short } = TERMS[of];
  return html`<a class="term" href=${`#/meaning/${of}`} title=${short}>${as ?? name}</a>`;
}

/** A number with its name above and what puts it in its place below. */
export function Stat({
  of,
  as,
  value,
  below,
  tone,
}: {
  readonly of: TermName;
  readonly as?: string;
  readonly value: ComponentChildren;
  readonly below?: ComponentChildren;
  readonly tone?: 'good' | 'warn' | 'bad';
}): VNode {
  return html`<div class=${`stat ${tone ?? ''}`}>
    <div class="stat-name"><${Term} of=${of} as=${as} /></div>
    <div class="stat-value">${value}</div>
    <div class="stat-below">${below ?? ' '}</div>
  </div>`;
}

/** A part of a page with a heading. */
export function Card({
  title,
  of,
  aside,
  children,
}: {
  readonly title: string;
  readonly of?: TermName;
  readonly aside?: ComponentChildren;
  readonly children?: ComponentChildren;
}): VNode {
  return html`<section class="card" aria-label=${title}>
    <header class="card-head">
      <h2>${of === undefined ? title : html`<${Term} of=${of} as=${title} />`}</h2>
      <div class="aside">${aside}</div>
    </header>
    ${children}
  </section>`;
}

/** A word in a colour that says how it stands; the word alone says it too. */
export function Chip({
  tone,
  children,
}: {
  readonly tone: 'good' | 'busy' | 'warn' | 'bad' | 'quiet';
  readonly children?: ComponentChildren;
}): VNode {
  return html`<span class=${`chip ${tone}`}>${children}</span>`;
}

/** What somebody should look at, one after the other. */
export function Alarms({ alarms }: { readonly alarms: readonly Alarm[] }): VNode | null {
  if (alarms.length === 0) return null;
  return html`<ul class="alarms">
    ${alarms.map(({ tone, text }) => html`<li key=${text}><${Chip} tone=${tone}>${tone === 'bad' ? 'alarm' : 'look'}<//> ${text}</li>`)}
  </ul>`;
}

/** What stands where there is nothing yet: why, and what makes something. */
export function Empty({
  title,
  children,
  command,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
  readonly command?: string;
}): VNode {
  return html`<div class="empty">
    <p class="empty-title">${title}</p>
    <p>${children}</p>
    ${command === undefined ? null : html`<pre><code>${command}</code></pre>`}
  </div>`;
}

/** A column of a table. */
export interface Column<Row> {
  readonly head: ComponentChildren;
  /** Numbers stand right. */
  readonly isNumber?: boolean;
  readonly cell: (row: Row) => ComponentChildren;
}

/** A table of rows; it scrolls sideways by itself where the screen is narrow. */
export function Table<Row>({
  label,
  columns,
  rows,
  keyOf,
}: {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string | number;
}): VNode {
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${label}>
    <table>
      <thead>
        <tr>
          ${columns.map(({ head, isNumber }, at) => html`<th key=${at} scope="col" class=${isNumber === true ? 'number' : ''}>${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr key=${keyOf(row)}>
              ${columns.map(({ cell, isNumber }, at) => html`<td key=${at} class=${isNumber === true ? 'number' : ''}>${cell(row)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** The sign of a version: its colour in charts, and its number. */
export function VersionMark({ version }: { readonly version: number }): VNode {
  return html`<span class="version"
    ><span class=${`swatch colour-${String(colourOf(version))}`} aria-hidden="true"></span>v${version}</span
  >`;
}

/** How many colours there are. */
const COLOURS = 6;

/** Returns which of the colours a version has, the same everywhere. */
export function colourOf(version: number): number {
  return ((version - 1) % COLOURS) + 1;
}
