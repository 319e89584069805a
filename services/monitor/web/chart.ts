import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { lastOf, sampled } from './chart-data.ts';
import type { Band, Line, Values } from './chart-data.ts';
import { html } from './html.ts';
import { colour, onColours } from './theme.ts';

/** A moment that is marked in a chart. */
export interface Mark {
  readonly atMs: number;
  readonly label: string;
}

/** What a chart shows. */
export interface ChartProps {
  /** What it shows, in words: its name for who cannot see it. */
  readonly label: string;
  readonly timesMs: readonly number[];
  readonly lines: readonly Line[];
  readonly bands?: readonly Band[];
  readonly marks?: readonly Mark[];
  /** Values at which a line is drawn across. */
  readonly levels?: readonly { readonly at: number; readonly label: string; readonly colour: string }[];
  readonly format: (value: number | null) => string;
  readonly height?: number;
  /** Whether the axis begins at zero. */
  readonly isFromZero?: boolean;
  /** Where the axis ends, however high the lines go. */
  readonly most?: number;
}

const TABLE_ROWS = 12;
/** What the time axis may be divided into, s: nothing below a second, which is how often there is a point. */
const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400];
const hover = uPlot.sync('headrace');

function dataOf({ timesMs, lines, bands = [] }: ChartProps): uPlot.AlignedData {
  const plain = (values: Values): (number | null)[] => [...values];
  return [
    timesMs.map((ms) => ms / 1000),
    ...lines.map(({ values }) => plain(values)),
    ...bands.flatMap(({ low, high }) => [plain(high), plain(low)]),
  ];
}

const saidOf = ({ values, said }: Line): Values => said ?? values;

function withAlpha(css: string, alpha: number): string {
  return css.replace(/^rgb\((.*)\)$/, `rgba($1, ${String(alpha)})`);
}

/** Draws marks and levels over the lines. */
function drawExtras(plot: uPlot, { marks = [], levels = [] }: ChartProps): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top - 12 * ratio, bbox.width, bbox.height + 12 * ratio);
  ctx.clip();
  ctx.font = `${String(11 * ratio)}px system-ui, sans-serif`;
  ctx.lineWidth = ratio;
  for (const [index, { at, label, colour: name }] of levels.entries()) {
    const y = plot.valToPos(at, 'y', true);
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.strokeStyle = ctx.fillStyle = colour(name);
    ctx.setLineDash([5 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    const isLeft = index % 2 === 0; // so that the names of levels near each other do not meet
    ctx.textAlign = isLeft ? 'left' : 'right';
    ctx.fillText(label, isLeft ? bbox.left + 4 * ratio : bbox.left + bbox.width - 4 * ratio, y - 4 * ratio);
  }
  ctx.strokeStyle = ctx.fillStyle = colour('muted');
  ctx.setLineDash([2 * ratio, 3 * ratio]);
  ctx.textAlign = 'center';
  let freeFrom = -Infinity;
  for (const { atMs, label } of [...marks].sort((one, other) => one.atMs - other.atMs)) {
    const x = plot.valToPos(atMs / 1000, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const half = ctx.measureText(label).width / 2;
    const middle = Math.min(Math.max(x, bbox.left + half), bbox.left + bbox.width - half);
    const isFree = middle - half > freeFrom; // a name that would meet the one before stands below it
    ctx.fillText(label, middle, isFree ? bbox.top - 2 * ratio : bbox.top + 11 * ratio);
    if (isFree) freeFrom = middle + half + 4 * ratio;
  }
  ctx.restore();
}

function optionsOf(
  props: () => ChartProps,
  width: number,
  onHover: (at: number | null) => void,
): uPlot.Options {
  const { lines, bands = [], height = 200, isFromZero = false } = props();
  const axis = {
    stroke: colour('muted'),
    grid: { stroke: colour('grid'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
  const first = lines.length + 1;
  return {
    width,
    height,
    legend: { show: false },
    cursor: { sync: { key: hover.key }, y: false, points: { size: 6 }, drag: { x: false, y: false } },
    padding: [14, 8, 0, 0],
    scales: {
      y: {
        range: (_plot, min, max) => {
          if (!Number.isFinite(min) || !Number.isFinite(max)) return [0, 1]; // null where no line has a value
          const { levels = [], most = Infinity } = props();
          const low = Math.min(min, ...levels.map(({ at }) => at));
          const high = Math.min(most, Math.max(max, ...levels.map(({ at }) => at)));
          const space = (high - low || Math.abs(high) || 1) * 0.08;
          return [isFromZero ? 0 : low - space, high + space];
        },
      },
    },
    axes: [
      {
        ...axis,
        space: 70,
        incrs: TIME_STEPS,
        values: (_plot, splits) => splits.map((at) => new Date(at * 1000).toLocaleTimeString('en-GB')),
        size: 28,
      },
      { ...axis, size: 66, values: (_plot, splits) => splits.map((value) => props().format(value)) },
    ],
    series: [
      {},
      ...lines.map(({ label, colour: name, isDashed = false, isFilled = false }): uPlot.Series => ({
        label,
        stroke: colour(name),
        width: isFilled ? 1 : 1.6,
        spanGaps: true,
        points: { show: false },
        ...(isDashed ? { dash: [6, 4] } : {}),
        ...(isFilled ? { fill: withAlpha(colour(name), 0.35) } : {}),
      })),
      ...bands.flatMap((): uPlot.Series[] =>
        [0, 1].map(() => ({ width: 0, points: { show: false }, spanGaps: true })),
      ),
    ],
    bands: [
      ...lines.flatMap(({ isFilled = false }, at): uPlot.Band[] =>
        isFilled && at > 0
          ? [{ series: [at + 1, at], fill: withAlpha(colour(lines[at]?.colour ?? ''), 0.35) }]
          : [],
      ),
      ...bands.map((band, at): uPlot.Band => ({
        series: [first + 2 * at, first + 2 * at + 1],
        fill: withAlpha(colour(band.colour), 0.16),
      })),
    ],
    hooks: {
      draw: [(plot) => drawExtras(plot, props())],
      setCursor: [(plot) => onHover(plot.cursor.idx ?? null)],
    },
  };
}

/** Returns the values of a chart as a table: for who cannot see it, and for who wants the numbers. */
function valuesTable({ label, timesMs, lines, format }: ChartProps): VNode {
  const places = sampled(timesMs.length, TABLE_ROWS);
  return html`<details class="values">
    <summary>Numbers<span class="sr"> of ${label}</span></summary>
    <div class="scroll" tabindex="0" role="region" aria-label=${`Numbers of ${label}`}>
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            ${lines.map((line) => html`<th key=${line.label} scope="col" class="number">${line.label}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${places.map(
            (at) =>
              html`<tr key=${at}>
                <td>${new Date(timesMs[at] ?? 0).toLocaleTimeString('en-GB')}</td>
                ${lines.map((line) => html`<td key=${line.label} class="number">${format(saidOf(line)[at] ?? null)}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`;
}

/** A chart over time, with its newest values in words and all of them as a table. */
export function Chart(props: ChartProps): VNode {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const [at, setAt] = useState<number | null>(null);
  const [colours, setColours] = useState(0);
  const shape = JSON.stringify([
    props.lines.map(({ label }) => label),
    props.bands?.length,
    props.height,
    colours,
  ]);

  useEffect(() => onColours(() => setColours((seen) => seen + 1)), []);
  useEffect(() => {
    const div = place.current;
    if (div === null) return undefined;
    const made = new uPlot(
      optionsOf(() => latest.current, Math.max(200, div.clientWidth), setAt),
      dataOf(latest.current),
      div,
    );
    plot.current = made;
    const resized = new ResizeObserver(() =>
      made.setSize({ width: Math.max(200, div.clientWidth), height: latest.current.height ?? 200 }),
    );
    resized.observe(div);
    return () => {
      resized.disconnect();
      made.destroy();
    };
  }, [shape]);
  useEffect(() => {
    plot.current?.setData(dataOf(props));
  }, [props.timesMs, shape, props.lines]);

  const shown = (line: Line): string =>
    props.format(at === null ? lastOf(saidOf(line)) : (saidOf(line)[at] ?? null));
  const words = props.lines.map((line) => `${line.label} ${props.format(lastOf(saidOf(line)))}`).join(', ');
  return html`<figure class="chart">
    <figcaption class="legend">
      ${props.lines.map((line) => html`<span key=${line.label} class="key"><span class=${`swatch ${line.isDashed === true ? 'dashed' : ''} is-${line.colour}`} aria-hidden="true"></span>${line.label} <b>${shown(line)}</b></span>`)}
    </figcaption>
    <div class="plot" ref=${place} role="img" aria-label=${`${props.label}: ${words}`}></div>
    ${valuesTable(props)}
  </figure>`;
}
