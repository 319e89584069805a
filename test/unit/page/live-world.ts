import { createFeeds } from '../../../services/monitor/page-feeds.ts';
import { createPageLive } from '../../../services/monitor/page-live.ts';
import type { PageLive, PageLivePorts, Sink } from '../../../services/monitor/page-live.ts';
import type { MessageKind } from '../../../services/monitor/web/merge.ts';
import { directoryWith } from '../monitor/monitor-world.ts';

/** A message as it came. */
export interface Received {
  readonly id: string;
  readonly kind: MessageKind;
  readonly data: unknown;
}

/** A reader of a stream, as a browser reads it. */
export interface Reader extends Sink {
  readonly received: Received[];
  readonly comments: number;
  isEnded: boolean;
  isStuck: boolean;
}

/** Returns a reader that takes everything until it is stuck. */
export function createReader(): Reader {
  let text = '';
  return {
    isEnded: false,
    isStuck: false,
    write(more) {
      text += more;
      return true;
    },
    isFull() {
      return this.isStuck;
    },
    end() {
      this.isEnded = true;
    },
    get comments() {
      return text.split('\n\n').filter((frame) => frame.startsWith(':')).length;
    },
    get received() {
      return text
        .split('\n\n')
        .filter((frame) => frame.includes('\ndata: '))
        .map((frame) => {
          const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(frame)?.[1] ?? '';
          return {
            id: field('id'),
            kind: field('event') as MessageKind,
            data: JSON.parse(field('data')) as unknown,
          };
        });
    },
  };
}

/** The live side of the page over a directory of one model, on a clock of the test's. */
export interface World {
  readonly live: PageLive;
  rollout: Parameters<typeof directoryWith>[0];
  nowMs: number;
  waitsFor: string[];
  dropped: number;
  open: number;
}

/** Returns a world whose feeds have not ticked yet. */
export function createWorld(more: Partial<PageLivePorts> = {}): World {
  const world = { rollout: null, nowMs: 1_000_000, waitsFor: [], dropped: 0, open: 0 } as unknown as World;
  const feeds = createFeeds({
    nowMs: () => world.nowMs,
    directory: () => directoryWith(world.rollout),
    measured: () => new Map(),
    stopped: () => undefined,
    verdict: () => undefined,
    status: () => ({
      waitsFor: world.waitsFor,
      startedAtMs: 0,
      chain: { events: 0, hash: '', fault: null },
      hasRegistry: true,
    }),
  });
  const live = createPageLive(feeds, {
    monotonicMs: () => world.nowMs,
    connectionsMax: 2,
    isReady: () => true,
    bootId: 'abc',
    askRegistry: () => Promise.resolve({ waitsFor: ['evidence'], routers: [], last: null }),
    askStream: () => Promise.resolve({ lag: [], deadLetters: null, models: [], fault: null }),
    onConnections: (open) => {
      world.open = open;
    },
    onDropped: () => {
      world.dropped += 1;
    },
    ...more,
  });
  return Object.assign(world, { live });
}
