import type {
  ModelMessage,
  ModelView,
  OverviewMessage,
  OverviewRow,
  PageStatus,
  StreamMessage,
  StreamView,
} from '../domain/page/messages.ts';
import type { SeriesPart } from '../domain/page/series.ts';

/** A series as the page holds it. */
export interface Points {
  readonly timesMs: readonly number[];
  readonly columns: Readonly<Record<string, readonly (number | null)[]>>;
}

/** A message as it came: everything anew, or what changed. */
export type MessageKind = 'snapshot' | 'delta';

/** Returns a series with a part of it replaced from its first point on. Columns that the part does not name are gone. */
export function withPart(points: Points | undefined, part: SeriesPart): Points {
  const { from, timesMs } = part;
  if (points !== undefined && timesMs.length === 0 && from >= points.timesMs.length) return points;
  const before = points?.timesMs.slice(0, from) ?? [];
  const columns = Object.fromEntries(
    Object.entries(part.columns).map(([name, values]) => {
      const known = points?.columns[name]?.slice(0, from) ?? [];
      const gap = Array.from({ length: Math.max(0, before.length - known.length) }, () => null);
      return [name, [...known, ...gap, ...values]];
    }),
  );
  return { timesMs: [...before, ...timesMs], columns };
}

/** All models, by name. */
export interface OverviewState {
  readonly status: PageStatus | undefined;
  readonly rows: ReadonlyMap<string, OverviewRow>;
}

/** Returns the overview after a message. */
export function withOverview(
  state: OverviewState | undefined,
  kind: MessageKind,
  { status, rows }: OverviewMessage,
): OverviewState {
  const known =
    kind === 'snapshot' || state === undefined ? new Map<string, OverviewRow>() : new Map(state.rows);
  for (const row of rows) known.set(row[0], row);
  return { status: status ?? state?.status, rows: known };
}

/** Everything of one model. */
export interface ModelPageState {
  readonly status: PageStatus | undefined;
  readonly view: ModelView;
  readonly series: Points;
  readonly streams: Points;
}

/** Returns a model after a message. A snapshot has every part of the view. */
export function withModel(
  state: ModelPageState | undefined,
  kind: MessageKind,
  { status, view, series, streams }: ModelMessage,
): ModelPageState {
  const before = kind === 'snapshot' ? undefined : state;
  return {
    status: status ?? state?.status,
    view: { ...before?.view, ...view } as ModelView,
    series: withPart(before?.series, series),
    streams: withPart(before?.streams, streams),
  };
}

/** What the stream page holds. */
export interface StreamState {
  readonly status: PageStatus | undefined;
  readonly view: StreamView | undefined;
}

/** Returns the stream after a message. */
export function withStream(
  state: StreamState | undefined,
  _kind: MessageKind,
  { status, view }: StreamMessage,
): StreamState {
  return { status: status ?? state?.status, view: view ?? state?.view };
}
