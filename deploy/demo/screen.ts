/** What the screen shows of one moment; undefined where nothing is known yet. */
export interface Moment {
  readonly phase: string;
  readonly events: number;
  readonly predictions: number;
  readonly failedRequests: number;
  readonly logLoss: number | undefined;
  readonly baseRateLogLoss: number | undefined;
  readonly freshnessMs: number | undefined;
  readonly stalenessMs: number | undefined;
  readonly lag: number | undefined;
  /** Share of the answers since the last moment by version, percent. */
  readonly traffic: ReadonlyMap<number, number>;
}

/** Where the demo shows how it goes. */
export interface Screen {
  /** Says something that stays. */
  say(line: string): void;
  /** Shows the present moment: in place on a terminal, as a line elsewhere. */
  show(moment: Moment): void;
  /** Leaves what is shown as it is and goes on below it. */
  settle(): void;
}

function number(value: number | undefined, digits: number): string {
  return value === undefined || !Number.isFinite(value) ? '–' : value.toFixed(digits);
}

function ms(value: number | undefined): string {
  return value === undefined ? '–' : `${String(Math.round(value))} ms`;
}

/** Returns the screen. `nowMs` times the rates. */
export function createScreen(out: NodeJS.WriteStream, nowMs: () => number): Screen {
  let before = { atMs: nowMs(), events: 0, predictions: 0 };
  let shownLines = 0;

  function clear(): void {
    if (shownLines > 0) out.write(`\u001b[${String(shownLines)}A\u001b[J`);
    shownLines = 0;
  }

  function linesOf(moment: Moment): string[] {
    const atMs = nowMs();
    const seconds = Math.max(0.001, (atMs - before.atMs) / 1000);
    const rate = (value: number, earlier: number): string => String(Math.round((value - earlier) / seconds));
    const events = rate(moment.events, before.events);
    const predictions = rate(moment.predictions, before.predictions);
    before = { atMs, events: moment.events, predictions: moment.predictions };
    const traffic = [...moment.traffic]
      .sort(([a], [b]) => a - b)
      .map(([version, share]) => `v${String(version)} ${share.toFixed(0)} %`);
    return [
      moment.phase,
      `  events ${events}/s   predictions ${predictions}/s   failed requests ${String(moment.failedRequests)}`,
      `  progressive log-loss ${number(moment.logLoss, 4)}   base rate ${number(moment.baseRateLogLoss, 4)}`,
      `  freshness p50 ${ms(moment.freshnessMs)}   staleness ${ms(moment.stalenessMs)}   lag ${moment.lag === undefined ? '–' : String(moment.lag)}   traffic ${traffic.join(' ') || '–'}`,
    ];
  }

  return {
    say(line) {
      clear();
      out.write(`${line}\n`);
    },
    show(moment) {
      const lines = linesOf(moment);
      if (!out.isTTY) {
        out.write(`${lines.map((line) => line.trim()).join(' | ')}\n`);
        return;
      }
      clear();
      const width = Math.max(40, out.columns);
      out.write(`${lines.map((line) => line.slice(0, width - 1)).join('\n')}\n`);
      shownLines = lines.length;
    },
    settle() {
      shownLines = 0;
    },
  };
}
