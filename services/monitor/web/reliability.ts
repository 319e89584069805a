import type { VNode } from 'preact';
import { percent } from './format.ts';
import { html } from './html.ts';
import { colourOf } from './parts.ts';
import { qualityOf } from './roles.ts';
import type { VersionFigures } from './roles.ts';

const SIZE = 220;
const EDGE = 30;

interface Dot {
  readonly x: number;
  readonly y: number;
  readonly share: number;
}

function dotsOf(figures: VersionFigures): readonly Dot[] {
  const bins = qualityOf(figures).calibration;
  const total = bins.reduce((sum, { weight }) => sum + weight, 0);
  return bins
    .filter(({ weight }) => weight > 0)
    .map(({ weight, scoreSum, labelSum }) => ({
      x: scoreSum / weight,
      y: labelSum / weight,
      share: weight / total,
    }));
}

/** What scores said against what came true, in ten bins: on the diagonal they mean what they say. */
export function Reliability({ figures }: { readonly figures: readonly VersionFigures[] }): VNode {
  const place = (share: number): number => EDGE + share * (SIZE - EDGE - 6);
  const at = (dot: Dot): string => `${place(dot.x).toFixed(1)},${(SIZE - place(dot.y)).toFixed(1)}`;
  return html`<figure class="reliability">
    <svg
      viewBox=${`0 0 ${String(SIZE)} ${String(SIZE)}`}
      role="img"
      aria-label="Score against share of label 1, by version; the table has the numbers"
    >
      ${[0, 0.5, 1].map(
        (share) =>
          html`<g key=${share}>
            <line
              class="grid"
              x1=${place(0)}
              x2=${place(1)}
              y1=${SIZE - place(share)}
              y2=${SIZE - place(share)}
            />
            <line
              class="grid"
              y1=${SIZE - place(0)}
              y2=${SIZE - place(1)}
              x1=${place(share)}
              x2=${place(share)}
            />
            <text x=${place(share)} y=${SIZE - EDGE + 16} text-anchor="middle">${share}</text>
            <text x=${EDGE - 6} y=${SIZE - place(share) + 4} text-anchor="end">${share}</text>
          </g>`,
      )}
      <line class="diagonal" x1=${place(0)} y1=${SIZE - place(0)} x2=${place(1)} y2=${SIZE - place(1)} />
      ${figures.map((one) => {
        const dots = dotsOf(one);
        return html`<g key=${one.version} class=${`ink-${String(colourOf(one.version))}`}>
          <polyline points=${dots.map(at).join(' ')} />
          ${dots.map((dot) => html`<circle key=${dot.x} cx=${place(dot.x)} cy=${SIZE - place(dot.y)} r=${2 + 8 * Math.sqrt(dot.share)} />`)}
        </g>`;
      })}
    </svg>
    <figcaption class="muted">score → ; share of label 1 ↑</figcaption>
    <details class="values">
      <summary>Numbers<span class="sr"> of calibration</span></summary>
      <div class="scroll" tabindex="0" role="region" aria-label="Numbers of calibration">
        <table>
          <thead>
            <tr>
              <th scope="col">Version</th>
              <th scope="col" class="number">Score</th>
              <th scope="col" class="number">Came true</th>
              <th scope="col" class="number">Share</th>
            </tr>
          </thead>
          <tbody>
            ${figures.flatMap((one) =>
              dotsOf(one).map(
                (dot) =>
                  html`<tr key=${`${String(one.version)}/${String(dot.x)}`}>
                    <td>v${one.version}</td>
                    <td class="number">${dot.x.toFixed(3)}</td>
                    <td class="number">${dot.y.toFixed(3)}</td>
                    <td class="number">${percent(dot.share)}</td>
                  </tr>`,
              ),
            )}
          </tbody>
        </table>
      </div>
    </details>
  </figure>`;
}
