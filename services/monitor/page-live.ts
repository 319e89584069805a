import { messageOf } from '../../shared/errors.ts';
import { eventIdOf, frameOf, HEARTBEAT, tickOf } from './domain/page/sse.ts';
import type { RegistryWord, StreamView } from './domain/page/messages.ts';
import type { Feed, Feeds } from './page-feeds.ts';

/** An idle connection is sent something at least so often, ms. */
const HEARTBEAT_MS = 15_000;
/** A reader that takes nothing for so long is dropped, ms. */
const STALL_MAX_MS = 15_000;
/** What only others know is asked for every so many ticks. */
const ASK_EVERY_TICKS = 2;

/** Where a connection's messages go. */
export interface Sink {
  /** Takes a text; returns false when it could not be passed on at once. */
  write(text: string): boolean;
  /** Whether something written is still here. */
  isFull(): boolean;
  end(): void;
}

/** What a page may follow. */
export type FeedName =
  { readonly kind: 'overview' | 'stream' } | { readonly kind: 'model'; readonly model: string };

/** What the live page needs of the world. */
export interface PageLivePorts {
  readonly monotonicMs: () => number;
  readonly connectionsMax: number;
  /** Whether the version log has been read, so that a model that is not known is none. */
  readonly isReady: () => boolean;
  /** Names this process among its former selves: letters and digits. */
  readonly bootId: string;
  /** Returns what the registry says of a model's rollout; throws when it does not. */
  readonly askRegistry: (model: string) => Promise<RegistryWord>;
  /** Returns how far consumers and dead letters are; does not throw. */
  readonly askStream: () => Promise<StreamView>;
  readonly onConnections: (open: number) => void;
  readonly onDropped: () => void;
}

/** Why a connection is not taken. */
export type Refused = 'closing' | 'too-many' | 'unknown-model' | 'waiting';

/** The pages that are open. */
export interface PageLive {
  /**
   * Follows a feed: sends what is new since the id that the client has, or everything; then what changes, once a tick.
   * Returns how to let go, or why it is not taken.
   */
  open(feed: FeedName, lastEventId: string | undefined, sink: Sink): (() => void) | Refused;
  /** Returns everything of a feed at this moment, or why there is nothing. */
  now(feed: FeedName): { readonly view: unknown } | Refused;
  /** Looks at everything and tells every page what changed. */
  tick(): void;
  /** Ends every connection and takes no further one. */
  close(): void;
}

interface Connection {
  readonly name: FeedName;
  readonly feed: Feed;
  readonly sink: Sink;
  /** Tick up to which it has been told. */
  tick: number;
  saidAtMs: number;
}

/**
 * Returns the live side of the page. A reader that is slow is told less often, of everything that changed since; nothing is written
 * while an earlier message is still here, so that a connection holds one message at most, and a reader that takes nothing
 * for 15 s is dropped.
 */
export function createPageLive(feeds: Feeds, ports: PageLivePorts): PageLive {
  const { monotonicMs, connectionsMax, bootId } = ports;
  const connections = new Set<Connection>();
  const asking = new Set<string>();
  let now = 0;
  let isClosed = false;

  const feedOf = (name: FeedName): Feed | undefined =>
    name.kind === 'model' ? feeds.model(name.model) : feeds[name.kind];

  const whyUnknown = (): Refused => (ports.isReady() ? 'unknown-model' : 'waiting');

  function letGo(connection: Connection): void {
    if (connections.delete(connection)) ports.onConnections(connections.size);
  }

  function send(connection: Connection, event: 'snapshot' | 'delta', frames: Map<string, string>): void {
    const since = event === 'snapshot' ? 0 : connection.tick;
    const key = `${JSON.stringify(connection.name)} ${event} ${String(since)}`;
    let frame = frames.get(key);
    if (frame === undefined) {
      const data = connection.feed.since(since);
      frame = data === undefined ? '' : frameOf({ id: eventIdOf(bootId, now), event, data });
      frames.set(key, frame);
    }
    connection.tick = now;
    const isIdle = monotonicMs() - connection.saidAtMs >= HEARTBEAT_MS;
    const text = frame === '' && isIdle ? HEARTBEAT : frame;
    if (text === '') return;
    connection.sink.write(text);
    connection.saidAtMs = monotonicMs();
  }

  function tell(connection: Connection, frames: Map<string, string>): void {
    if (!connection.sink.isFull()) {
      send(connection, 'delta', frames);
      return;
    }
    if (monotonicMs() - connection.saidAtMs < STALL_MAX_MS) return;
    letGo(connection);
    connection.sink.end();
    ports.onDropped();
  }

  function ask(name: string, work: () => Promise<void>): void {
    if (asking.has(name)) return;
    asking.add(name);
    void work().finally(() => asking.delete(name));
  }

  function askOthers(): void {
    if ([...connections].some(({ name }) => name.kind === 'stream'))
      ask('stream', async () => {
        feeds.takeStream(await ports.askStream());
      });
    for (const model of feeds.followedModels())
      ask(`model ${model}`, async () => {
        try {
          feeds.takeRegistryWord(model, await ports.askRegistry(model), null);
        } catch (error) {
          feeds.takeRegistryWord(model, null, messageOf(error));
        }
      });
  }

  return {
    open(name, lastEventId, sink) {
      if (isClosed) return 'closing';
      if (connections.size >= connectionsMax) return 'too-many';
      const feed = feedOf(name);
      if (feed === undefined) return whyUnknown();
      const seen = tickOf(lastEventId, bootId);
      const isKnown = seen !== undefined && seen <= now;
      const connection = { name, feed, sink, tick: isKnown ? seen : 0, saidAtMs: monotonicMs() };
      connections.add(connection);
      ports.onConnections(connections.size);
      sink.write(HEARTBEAT);
      send(connection, isKnown ? 'delta' : 'snapshot', new Map());
      return () => letGo(connection);
    },
    now(name) {
      const feed = feedOf(name);
      return feed === undefined ? whyUnknown() : { view: feed.since(0) };
    },
    tick() {
      now += 1;
      feeds.keepModels((model) =>
        [...connections].some(({ name }) => name.kind === 'model' && name.model === model),
      );
      feeds.tick(now);
      const frames = new Map<string, string>();
      for (const connection of [...connections]) tell(connection, frames);
      if (now % ASK_EVERY_TICKS === 0) askOthers();
    },
    close() {
      isClosed = true;
      for (const { sink } of connections) sink.end();
      connections.clear();
      ports.onConnections(0);
    },
  };
}
