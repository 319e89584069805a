import type { ModelView } from '../domain/page/messages.ts';
import type { VersionState } from '../../../shared/domain/model-directory.ts';
import { count, nats, percent } from './format.ts';
import { figuresOf, qualityOf, roleOf } from './roles.ts';

/** A version in the tree of lineage, with how deep it stands. */
export interface Descendant {
  readonly version: VersionState;
  readonly depth: number;
}

/** Returns all versions with children under their parents. */
export function lineageOf(versions: readonly VersionState[]): readonly Descendant[] {
  const known = new Set(versions.map(({ version }) => version));
  const below = (parent: number | null, depth: number): Descendant[] =>
    versions
      .filter((one) => (one.parent !== null && known.has(one.parent) ? one.parent : null) === parent)
      .flatMap((version) => [{ version, depth }, ...below(version.version, depth + 1)]);
  return below(null, 0);
}

/** Returns what a version had learned when it began, in words. */
export function keptOf({ mode, parent, bornPosition, startPosition }: VersionState): string {
  const at = bornPosition === null ? '' : ` at position ${count(bornPosition)}`;
  switch (mode) {
    case 'cold':
      return `nothing${at}`;
    case 'copy':
      return `everything v${String(parent ?? '?')} had learned${at}`;
    case 'history':
      return `the past from position ${count(startPosition)} on`;
    case 'milestone':
      return `the milestone at position ${count(startPosition)}, and the past since`;
    case 'published':
      return 'a file made elsewhere; it never learns';
  }
}

/** A line of a comparison. */
export interface ComparedRow {
  readonly name: string;
  readonly values: readonly [string, string];
  readonly isDifferent: boolean;
}

function linesOf(view: ModelView, state: VersionState): Readonly<Record<string, string>> {
  const figures = figuresOf(view).find(({ version }) => version === state.version);
  const quality = figures === undefined ? undefined : qualityOf(figures);
  const settings = Object.entries(state.learner).map(([name, value]): [string, string] => [
    `learner ${name}`,
    String(value),
  ]);
  return {
    role: roleOf(view, state).words,
    mode: state.mode,
    parent: state.parent === null ? '–' : `v${String(state.parent)}`,
    'knowledge kept': keptOf(state),
    'born at position': count(state.bornPosition),
    approved: state.isApproved ? 'yes' : 'no',
    ...Object.fromEntries(settings),
    'examples learned': count(figures?.learner.examples),
    'recent log-loss': nats(quality?.recentLogLoss),
    'log-loss of all': nats(quality?.logLoss),
    accuracy: percent(quality?.accuracyRate),
    'calibration error': percent(quality?.expectedCalibrationError),
    answered: count(figures?.predictions.served),
    failed: count(figures?.predictions.failed),
  };
}

/** Returns two versions side by side. */
export function compared(
  view: ModelView,
  versions: readonly [VersionState, VersionState],
): readonly ComparedRow[] {
  const [a, b] = [linesOf(view, versions[0]), linesOf(view, versions[1])];
  return Object.keys({ ...a, ...b }).map((name) => {
    const values = [a[name] ?? '–', b[name] ?? '–'] as const;
    return { name, values, isDifferent: values[0] !== values[1] };
  });
}
