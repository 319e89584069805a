import type { FreshnessProbe } from './freshness-probe.ts';
import type { Screen } from './screen.ts';
import type { TrafficCounts } from './traffic.ts';
import type { Watch } from './watch.ts';

/** What is shown while the story goes on. */
export interface LiveScreen {
  /** Says what is done at present. */
  phase(words: string): void;
  /** Shows the present moment. */
  show(): Promise<void>;
  stop(): void;
}

/** What it shows. */
export interface LiveScreenDeps {
  readonly screen: Screen;
  readonly watch: Watch;
  readonly counts: TrafficCounts;
  readonly probe: FreshnessProbe;
  readonly everyMs: number;
}

/** Shows every so often how everything is, until it is stopped. */
export function startLiveScreen({ screen, watch, counts, probe, everyMs }: LiveScreenDeps): LiveScreen {
  let phase = 'starting';
  let servedBefore = new Map<number, number>();

  async function show(): Promise<void> {
    const { logLoss, baseRateLogLoss, lag } = await watch.look();
    const since = [...counts.served]
      .map(([version, count]) => [version, count - (servedBefore.get(version) ?? 0)] as const)
      .filter(([, count]) => count > 0);
    servedBefore = new Map(counts.served);
    const total = since.reduce((sum, [, count]) => sum + count, 0);
    screen.show({
      phase: `${phase} · ${new Date(counts.eventTimeMs).toISOString().slice(0, 16).replace('T', ' ')}`,
      events: counts.events + counts.labels,
      predictions: counts.predictions,
      failedRequests: counts.failedRequests,
      logLoss,
      baseRateLogLoss,
      freshnessMs: probe.quantiles().p50 ?? undefined,
      stalenessMs: counts.predictions > 0 ? counts.stalenessMs : undefined,
      lag,
      traffic: new Map(since.map(([version, count]) => [version, (100 * count) / total])),
    });
  }

  const ticker = setInterval(() => void show(), everyMs);
  return {
    phase(words) {
      phase = words;
    },
    show,
    stop() {
      clearInterval(ticker);
    },
  };
}
