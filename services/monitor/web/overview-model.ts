import type { OverviewRow } from '../domain/page/messages.ts';

/** A row of the overview by names. */
export interface ModelRow {
  readonly name: string;
  readonly stable: number | null;
  readonly candidate: number | null;
  readonly weightBp: number;
  readonly phase: OverviewRow[4];
  readonly isPaused: boolean;
  readonly versions: number;
  readonly predictions: number;
  readonly predictionsPerSecond: number;
  readonly eventsPerSecond: number;
  readonly freshnessMs: number | null;
  readonly lag: number | null;
  readonly loss: number | null;
  readonly baseLoss: number | null;
  readonly alarms: OverviewRow[14];
}

/** Returns a row by names. */
export function modelRow(row: OverviewRow): ModelRow {
  const [name, stable, candidate, weightBp, phase, isPaused, versions, predictions, ...rest] = row;
  const [predictionsPerSecond, eventsPerSecond, freshnessMs, lag, loss, baseLoss, alarms] = rest;
  return {
    name,
    stable,
    candidate,
    weightBp,
    phase,
    isPaused: isPaused === 1,
    versions,
    predictions,
    predictionsPerSecond,
    eventsPerSecond,
    freshnessMs,
    lag,
    loss,
    baseLoss,
    alarms,
  };
}

/** By what the overview can be ordered. */
export type SortKey =
  'name' | 'predictionsPerSecond' | 'eventsPerSecond' | 'freshnessMs' | 'lag' | 'gain' | 'alarms';

/** Returns by how much a model's loss is below that of the base rate, as a share; null when it is not known. */
export function gainOf({ loss, baseLoss }: ModelRow): number | null {
  return loss === null || baseLoss === null || baseLoss <= 0 ? null : 1 - loss / baseLoss;
}

function valueOf(row: ModelRow, key: SortKey): number {
  if (key === 'alarms') return row.alarms.reduce((sum, { tone }) => sum + (tone === 'bad' ? 1000 : 1), 0);
  if (key === 'gain') return gainOf(row) ?? -Infinity;
  return key === 'name' ? 0 : (row[key] ?? -Infinity);
}

/** What part of all models is shown, and in which order. */
export interface OverviewQuery {
  readonly text: string;
  readonly onlyAlarms: boolean;
  readonly sort: SortKey;
  readonly page: number;
}

/** Models on one page. */
export const PAGE_ROWS = 50;

/** A page of models. */
export interface OverviewPageRows {
  readonly rows: readonly ModelRow[];
  readonly found: number;
  readonly page: number;
  readonly pages: number;
}

/** Returns the page of models that a query asks for: numbers with the largest first, names ascending. */
export function pageOf(
  all: Iterable<OverviewRow>,
  { text, onlyAlarms, sort, page }: OverviewQuery,
): OverviewPageRows {
  const wanted = text.trim().toLowerCase();
  const found = Array.from(all, modelRow).filter(
    ({ name, alarms }) => name.toLowerCase().includes(wanted) && (!onlyAlarms || alarms.length > 0),
  );
  found.sort((a, b) => valueOf(b, sort) - valueOf(a, sort) || (a.name < b.name ? -1 : 1));
  const pages = Math.max(1, Math.ceil(found.length / PAGE_ROWS));
  const at = Math.min(page, pages - 1);
  return { rows: found.slice(at * PAGE_ROWS, (at + 1) * PAGE_ROWS), found: found.length, page: at, pages };
}

/** What all models are together. */
export interface Totals {
  readonly models: number;
  readonly rollouts: number;
  readonly predictionsPerSecond: number;
  readonly eventsPerSecond: number;
  readonly worstFreshness: ModelRow | undefined;
  readonly bad: number;
  readonly warn: number;
}

/** Returns what all models are together. */
export function totalsOf(all: Iterable<OverviewRow>): Totals {
  const rows = Array.from(all, modelRow);
  const sum = (of: (row: ModelRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const worst = rows.reduce<ModelRow | undefined>(
    (worse, row) => ((row.freshnessMs ?? -1) > (worse?.freshnessMs ?? -1) ? row : worse),
    undefined,
  );
  const alarms = rows.flatMap((row) => row.alarms);
  return {
    models: rows.length,
    rollouts: sum(({ phase }) => (phase === 'warming' || phase === 'shadow' || phase === 'canary' ? 1 : 0)),
    predictionsPerSecond: sum((row) => row.predictionsPerSecond),
    eventsPerSecond: sum((row) => row.eventsPerSecond),
    worstFreshness: worst?.freshnessMs == null ? undefined : worst,
    bad: alarms.filter(({ tone }) => tone === 'bad').length,
    warn: alarms.filter(({ tone }) => tone === 'warn').length,
  };
}
