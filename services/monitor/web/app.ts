import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { HistoryPage } from './history-page.ts';
import { html } from './html.ts';
import { MeaningPage } from './meaning-page.ts';
import { ModelPage } from './model-page.ts';
import { OverviewPage } from './overview-page.ts';
import { Empty } from './parts.ts';
import { RolloutPage } from './rollout-page.ts';
import { routeOf } from './route.ts';
import type { Route } from './route.ts';
import { Shell } from './shell.ts';
import { StreamPage } from './stream-page.ts';
import { VersionsPage } from './versions-page.ts';
import { useFeed } from './live.ts';
import { withModel, withOverview, withStream } from './merge.ts';

function OverviewRoute(): VNode {
  const followed = useFeed('/v1/live/overview', withOverview);
  return html`<${Shell} route=${{ page: 'overview' }} followed=${followed}>
    ${followed.data && html`<${OverviewPage} state=${followed.data} />`}
  <//>`;
}

function StreamRoute(): VNode {
  const followed = useFeed('/v1/live/stream', withStream);
  return html`<${Shell} route=${{ page: 'stream' }} followed=${followed}>
    ${followed.data && html`<${StreamPage} state=${followed.data} />`}
  <//>`;
}

/** The pages of one model share a connection: going from one to another shows what is known at once. */
function ModelRoute({ route, model }: { readonly route: Route; readonly model: string }): VNode {
  const followed = useFeed(`/v1/live/models/${encodeURIComponent(model)}`, withModel);
  const pages = { model: ModelPage, rollout: RolloutPage, versions: VersionsPage, history: HistoryPage };
  const Page = pages[route.page as keyof typeof pages];
  return html`<${Shell} route=${route} followed=${followed}>
    ${followed.data && html`<${Page} key=${route.page} state=${followed.data} model=${model} />`}
  <//>`;
}

/** The whole page: what the address names. */
export function App(): VNode {
  const [route, setRoute] = useState(() => routeOf(location.hash));
  useEffect(() => {
    const onHash = (): void => {
      setRoute(routeOf(location.hash));
      document.getElementById('content')?.focus({ preventScroll: true });
      scrollTo(0, 0);
    };
    addEventListener('hashchange', onHash);
    return () => removeEventListener('hashchange', onHash);
  }, []);
  switch (route.page) {
    case 'overview':
      return html`<${OverviewRoute} />`;
    case 'stream':
      return html`<${StreamRoute} />`;
    case 'meaning':
      return html`<${Shell} route=${route}><${MeaningPage} term=${route.term} /><//>`;
    case 'unknown':
      return html`<${Shell} route=${route}>
        <${Empty} title="There is no such page">
          <code>${route.path}</code> names none. <a href="#/">All models</a>
        <//>
      <//>`;
    default:
      return html`<${ModelRoute} key=${route.model} route=${route} model=${route.model} />`;
  }
}
