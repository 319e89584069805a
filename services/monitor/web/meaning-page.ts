import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { html } from './html.ts';
import { TERMS } from './terms.ts';
import type { Meaning } from './terms.ts';

/** What every number means, in one list. */
export function MeaningPage({ term }: { readonly term: string }): VNode {
  useEffect(() => {
    document.getElementById(`term-${term}`)?.scrollIntoView({ block: 'center' });
  }, [term]);
  const all: readonly (readonly [string, Meaning])[] = Object.entries(TERMS);
  return html`<section class="card meanings" aria-label="What every number means">
    <header class="card-head"><h2>What every number means</h2></header>
    <dl>
      ${all.map(
        ([id, { name, short, more }]) =>
          html`<div key=${id} id=${`term-${id}`} class=${id === term ? 'meant' : ''}>
            <dt>${name}</dt>
            <dd>${short}${more === undefined ? null : html`<br /><span class="muted">${more}</span>`}</dd>
          </div>`,
      )}
    </dl>
  </section>`;
}
