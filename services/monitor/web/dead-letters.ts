import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { useAsked } from './asked.ts';
import { Actions } from './dialog.ts';
import { count, moment } from './format.ts';
import { html } from './html.ts';
import { Card, Empty, Table } from './parts.ts';
import type { Column } from './parts.ts';

const PAGE = 50;

interface Letter {
  readonly number: number;
  readonly atMs: number;
  readonly service: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly itemIndex: number;
  readonly reason: string;
  readonly detail: string;
  readonly key: string | null;
  readonly valueBytes: number;
}

function printable(base64: string): string {
  return atob(base64).replace(/[^\x20-\x7e]/g, '·');
}

/** The bytes of a record, as far as they can be read. */
function Bytes({ number }: { readonly number: number }): VNode {
  const { answer, fault } = useAsked<{ valueBase64: string }>(`/v1/dead-letters/${String(number)}`, 0);
  const text = answer === undefined ? fault || '…' : printable(answer.valueBase64);
  return html`<pre
    class="bytes"
    tabindex="0"
    aria-label=${`Bytes of dead letter ${String(number)}`}
  ><code>${text}</code></pre>`;
}

function Detail({ letter }: { readonly letter: Letter }): VNode {
  const [isOpen, setOpen] = useState(false);
  return html`<details onToggle=${(event: Event) => setOpen((event.target as HTMLDetailsElement).open)}>
    <summary class="why">${letter.detail.slice(0, 160) || letter.reason}</summary>
    ${
      isOpen
        ? html`<p class="muted">
              key ${letter.key ?? 'none'} · ${count(letter.valueBytes)}
              bytes${letter.itemIndex >= 0 ? ` · item ${String(letter.itemIndex)}` : ''}
            </p>
            <${Bytes} number=${letter.number} />`
        : null
    }
  </details>`;
}

const columnsWith = (onDone: () => void): readonly Column<Letter>[] => [
  { head: 'Number', isNumber: true, cell: ({ number }) => number },
  { head: 'When', cell: ({ atMs }) => moment(atMs, Date.now()) },
  { head: 'Set aside by', cell: ({ service }) => service },
  {
    head: 'From',
    cell: ({ topic, partition, offset }) => html`<code>${topic}/${partition}@${offset}</code>`,
  },
  { head: 'Reason', cell: ({ reason }) => html`<span class="strong">${reason}</span>` },
  { head: 'Detail', cell: (letter) => html`<${Detail} letter=${letter} />` },
  {
    head: '',
    cell: ({ number, topic, valueBytes }) =>
      valueBytes === 0
        ? html`<span class="muted">no value</span>`
        : html`<${Actions}
            onDone=${onDone}
            actions=${[{ verb: 'Put back', about: `The record of dead letter ${String(number)} goes to ${topic} again as it came. Do so once its cause is mended; what is still wrong with it is set aside again.`, path: `/v1/dead-letters/${String(number)}/redrive` }]}
          />`,
  },
];

/** Records that were set aside, and putting them back. `end` moves when there are new ones. */
export function DeadLetters({ end }: { readonly end: number | undefined }): VNode {
  const [before, setBefore] = useState<readonly number[]>([]);
  const [done, setDone] = useState(0);
  const from = before.at(-1);
  const page = `last=${String(PAGE)}${from === undefined ? '' : `&before=${String(from)}`}`;
  const { answer, fault } = useAsked<{ letters: readonly Letter[] }>(
    `/v1/dead-letters?${page}`,
    `${String(end)}/${String(done)}`,
  );
  const letters = answer && [...answer.letters].reverse();
  const oldest = letters?.at(-1)?.number;
  return html`<${Card}
    title="Dead letters"
    of="deadletters"
    aside=${html`<span class="muted">newest first</span>`}
  >
    ${fault === '' ? null : html`<p class="refused" role="status">${fault}</p>`}
    ${
      letters === undefined
        ? html`<p class="loading">Reading …</p>`
        : letters.length === 0
          ? html`<${Empty} title="No dead letters">
              What cannot be taken (bytes that are no record, an unknown model, a value out of its range) is
              set aside here with its reason, and can be put back once the cause is mended.
            <//>`
          : html`<${Table}
                label="Dead letters"
                columns=${columnsWith(() => setDone(done + 1))}
                rows=${letters}
                keyOf=${({ number }: Letter) => number}
              />
              <nav class="pager" aria-label="Pages of dead letters">
                <button
                  type="button"
                  disabled=${before.length === 0}
                  onClick=${() => setBefore(before.slice(0, -1))}
                >
                  Newer
                </button>
                <span>${count(letters.length)} shown</span>
                <button
                  type="button"
                  disabled=${letters.length < PAGE}
                  onClick=${() => oldest !== undefined && setBefore([...before, oldest])}
                >
                  Older
                </button>
              </nav>`
    }
  <//>`;
}
