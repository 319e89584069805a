import { useEffect, useState } from 'preact/hooks';
import type { MessageKind } from './merge.ts';

/** How a page stands to the monitor: following, trying to, or refused. */
export type LiveState = 'connecting' | 'live' | 'away';

/** What a page has of a feed. */
export interface Followed<State> {
  readonly data: State | undefined;
  readonly state: LiveState;
  /** Why there is nothing to follow; undefined when there is. */
  readonly fault: string | undefined;
}

const AGAIN_MS = 3000;
/** A page that nobody sees lets go after so long, so that browsers have connections left for others. */
const HIDDEN_MS = 30_000;

/** Returns why a feed is refused, as its problem document says. */
async function whyRefused(url: string): Promise<string | undefined> {
  try {
    const answer = await fetch(url.replace('/v1/live/', '/v1/view/'));
    if (answer.ok) return undefined;
    return ((await answer.json()) as { detail?: string }).detail;
  } catch {
    return undefined;
  }
}

/** Follows a feed and calls back with every message; returns how to let go. */
function follow(
  url: string,
  onMessage: (kind: MessageKind, message: unknown) => void,
  onState: (state: LiveState, fault?: string) => void,
): () => void {
  let source: EventSource | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;
  let hidden: ReturnType<typeof setTimeout> | undefined;
  let lastId = '';

  function open(): void {
    const resumed = new EventSource(lastId === '' ? url : `${url}?after=${encodeURIComponent(lastId)}`);
    source = resumed;
    const take = (kind: MessageKind) => (event: MessageEvent<string>) => {
      lastId = event.lastEventId;
      onMessage(kind, JSON.parse(event.data));
      onState('live');
    };
    resumed.addEventListener('snapshot', take('snapshot'));
    resumed.addEventListener('delta', take('delta'));
    resumed.addEventListener('open', () => onState('live'));
    resumed.addEventListener('error', () => {
      onState('away');
      if (resumed.readyState !== EventSource.CLOSED) return; // it tries again by itself
      void whyRefused(url).then((fault) => {
        if (source === resumed) onState('away', fault);
      });
      again = setTimeout(open, AGAIN_MS);
    });
  }

  function close(): void {
    source?.close();
    source = undefined;
    clearTimeout(again);
    clearTimeout(hidden);
  }

  function onVisibility(): void {
    clearTimeout(hidden);
    if (document.visibilityState === 'hidden') hidden = setTimeout(close, HIDDEN_MS);
    else if (source === undefined) open();
  }

  open();
  document.addEventListener('visibilitychange', onVisibility);
  return () => {
    document.removeEventListener('visibilitychange', onVisibility);
    close();
  };
}

/**
 * Follows a feed for as long as the component is there.
 *
 * @param fold returns what is known after a message
 */
export function useFeed<State>(
  url: string,
  fold: (state: State | undefined, kind: MessageKind, message: never) => State,
): Followed<State> {
  const [followed, setFollowed] = useState<Followed<State> & { readonly url: string }>({
    url,
    data: undefined,
    state: 'connecting',
    fault: undefined,
  });
  useEffect(() => {
    const fresh = { url, data: undefined, state: 'connecting', fault: undefined } as const;
    setFollowed(fresh);
    return follow(
      url,
      (kind, message) => {
        setFollowed((known) => ({ ...known, data: fold(known.data, kind, message as never) }));
      },
      (state, fault) => {
        setFollowed((known) => ({ ...known, state, fault }));
      },
    );
  }, [url]);
  return followed.url === url ? followed : { data: undefined, state: 'connecting', fault: undefined };
}
