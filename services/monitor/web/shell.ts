import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { PageStatus } from '../domain/page/messages.ts';
import { html } from './html.ts';
import type { Followed } from './live.ts';
import { Chip, Empty } from './parts.ts';
import { MODEL_PAGES, modelHref } from './route.ts';
import type { ModelPage, Route } from './route.ts';
import { chooseTheme, chosenTheme } from './theme.ts';
import type { Theme } from './theme.ts';

const TABS: Readonly<Record<ModelPage, string>> = {
  model: 'Model',
  rollout: 'Rollout',
  versions: 'Versions',
  history: 'History',
};
const THEMES: readonly Theme[] = ['auto', 'light', 'dark'];
const STATES = {
  live: ['good', 'live'],
  connecting: ['busy', 'connecting'],
  away: ['bad', 'no connection'],
} as const;

function ThemeSwitch(): VNode {
  const [theme, setTheme] = useState(chosenTheme);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'auto';
  return html`<button
    type="button"
    class="quiet"
    aria-label=${`Theme: ${theme}. Change to ${next}`}
    title=${`Theme: ${theme}`}
    onClick=${() => {
      chooseTheme(next);
      setTheme(next);
    }}
  >
    <span aria-hidden="true">${{ auto: '◐', light: '☀', dark: '☾' }[theme]}</span>
  </button>`;
}

function titleOf(route: Route): string {
  if (route.page === 'overview') return 'Models';
  if (route.page === 'stream') return 'Stream';
  if (route.page === 'meaning') return 'What it means';
  if (route.page === 'unknown') return 'No such page';
  return `${route.model} · ${TABS[route.page]}`;
}

function Tabs({ route }: { readonly route: Route & { readonly model: string } }): VNode {
  return html`<div class="model-bar">
    <div class="crumbs">
      <a href="#/">Models</a> <span aria-hidden="true">/</span> <strong>${route.model}</strong>
    </div>
    <nav aria-label="Pages of the model">
      ${MODEL_PAGES.map((page) => html`<a key=${page} href=${modelHref(route.model, page)} aria-current=${page === route.page ? 'page' : undefined}>${TABS[page]}</a>`)}
    </nav>
  </div>`;
}

/** Says what does not work, and what that means for what is shown. */
function Banner({
  status,
  followed,
}: {
  readonly status: PageStatus | undefined;
  readonly followed: Followed<unknown>;
}): VNode | null {
  const words: string[] = [];
  if (followed.fault !== undefined) words.push(followed.fault);
  else if (followed.state === 'away')
    words.push(
      'The monitor does not answer. What is shown is what it said last; it is asked again by itself.',
    );
  else if (status !== undefined && status.waitsFor.length > 0)
    words.push(
      `The monitor waits: ${status.waitsFor.join('; ')}. What is shown is what it has measured before.`,
    );
  if (status?.chain.fault != null) words.push(`The version log cannot be trusted: ${status.chain.fault}.`);
  if (words.length === 0) return null;
  return html`<div class="banner" role="status">${words.map((one) => html`<p key=${one}>${one}</p>`)}</div>`;
}

/** What is around every page: name, ways to other pages, how it stands to the monitor. */
export function Shell({
  route,
  followed,
  children,
}: {
  readonly route: Route;
  readonly followed?: Followed<{ readonly status: PageStatus | undefined }>;
  readonly children?: ComponentChildren;
}): VNode {
  const title = titleOf(route);
  useEffect(() => {
    document.title = `${title} · Headrace`;
  }, [title]);
  const [tone, word] = STATES[followed?.state ?? 'live'];
  const isEmpty = followed !== undefined && followed.data === undefined;
  return html`<div class="shell">
    <a
      class="skip"
      href="#content"
      onClick=${(event: Event) => {
        event.preventDefault();
        document.getElementById('content')?.focus();
      }}
      >To the content</a
    >
    <header class="bar">
      <a class="brand" href="#/"><span class="wave" aria-hidden="true">≋</span> Headrace</a>
      <nav aria-label="Pages">
        <a href="#/" aria-current=${route.page === 'overview' ? 'page' : undefined}>Models</a>
        <a href="#/stream" aria-current=${route.page === 'stream' ? 'page' : undefined}>Stream</a>
        <a href="#/meaning" aria-current=${route.page === 'meaning' ? 'page' : undefined}>What it means</a>
      </nav>
      <div class="bar-end">
        ${followed === undefined ? null : html`<span class="live" role="status"><${Chip} tone=${tone}>${word}<//></span>`}
        <${ThemeSwitch} />
      </div>
    </header>
    ${'model' in route ? html`<${Tabs} route=${route} />` : null}
    <main id="content" tabindex="-1">
      <h1 class="sr">${title}</h1>
      ${followed === undefined ? null : html`<${Banner} status=${followed.data?.status} followed=${followed} />`}
      ${isEmpty ? html`<p class="loading">${followed.fault === undefined ? 'Asking the monitor …' : ''}</p>` : null}
      ${
        isEmpty && 'model' in route && followed.fault !== undefined
          ? html`<${Empty}
              title="Nothing is known of this model"
              command=${`npm run -s headrace -- create -f spec.yaml`}
            >
              Either its name is another one, or it has not been made yet.
            <//>`
          : null
      }
      ${children}
    </main>
  </div>`;
}
