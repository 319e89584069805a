import type { RolloutState, StreamEvidence } from '../../shared/domain/rollout.ts';
import { isUnderWay } from '../../shared/domain/rollout.ts';
import type { Paint, Tone } from './io.ts';
import { count, duration } from './output.ts';
import type { Overview, RolloutView, VersionView } from './overview.ts';

/** How a tree is drawn. */
export interface TreeOptions {
  readonly paint: Paint;
  readonly nowMs: number;
  /** With what only some want to see: positions, parents, every stream. */
  readonly isWide: boolean;
}

/** What a version is to its model at the moment. */
export interface Role {
  readonly icon: string;
  readonly tone: Tone;
  readonly words: string;
}

const BAR = 10;

/** Returns basis points as a percentage. */
export function percent(bp: number): string {
  return `${String(bp / 100)} %`;
}

/** Returns what a version is to its model. */
export function roleOf({ model, rollout }: Overview, version: VersionView): Role {
  const { stable, candidate, candidateWeightBp, shadows } = model.traffic;
  const tried = rollout?.rollout ?? null;
  if (version.life === 'retired') return { icon: '⊘', tone: 'quiet', words: 'retired' };
  if (version.life === 'registered') return { icon: '…', tone: 'busy', words: 'waits for a learner' };
  if (version.version === stable) return { icon: '✔', tone: 'good', words: 'stable' };
  if (version.version === candidate)
    return { icon: '◐', tone: 'busy', words: `candidate, ${percent(candidateWeightBp)} of the subjects` };
  if (tried?.candidate === version.version && tried.phase === 'rolledBack')
    return { icon: '↺', tone: 'bad', words: 'rolled back, learns on' };
  if (tried?.candidate === version.version && isUnderWay(tried.phase))
    return { icon: '◌', tone: 'busy', words: `candidate, ${tried.phase}` };
  if (shadows.includes(version.version)) return { icon: '◌', tone: 'quiet', words: 'shadow' };
  return { icon: '○', tone: 'quiet', words: 'learns, answers nobody' };
}

function shortE(logE: number): string {
  const value = Math.exp(logE);
  return value >= 10_000 ? value.toExponential(1) : value.toFixed(value < 100 ? 1 : 0);
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;
}

/** Returns one gate: where a stream stands between rolling back and promoting. */
export function gateLine(stream: StreamEvidence, paint: Paint): string {
  const { name, estimate, interval, promote, rollback, count: pairs } = stream;
  const isBad = rollback !== null && rollback.maxLogE >= rollback.thresholdLogE;
  const isGood = promote !== null && promote.maxLogE >= promote.thresholdLogE;
  const icon = isBad
    ? paint('bad', '✖')
    : isGood || promote === null
      ? paint('good', '✔')
      : paint('busy', '◌');
  const estimated =
    estimate === null
      ? 'nothing yet'
      : `${signed(estimate)}${interval === null ? '' : ` [${signed(interval[0])}, ${signed(interval[1])}]`}`;
  const shown = isBad || promote === null ? rollback : promote;
  const done = shown === null ? 0 : Math.max(0, Math.min(1, shown.maxLogE / shown.thresholdLogE));
  const bar = '█'.repeat(Math.round(done * BAR)).padEnd(BAR, '░');
  const direction = isBad ? 'against it' : promote === null ? 'against it' : 'for it';
  const e =
    shown === null
      ? ''
      : `  ${bar}  e-value ${direction} ${shortE(shown.maxLogE)} of ${shortE(shown.thresholdLogE)}`;
  return `${icon} ${name.padEnd(11)} ${estimated.padEnd(28)}${e}  ${paint('quiet', `${count(pairs)} compared`)}`;
}

function phaseWords(rollout: RolloutState, { policy }: RolloutView): string {
  if (rollout.phase !== 'canary') return rollout.phase;
  const steps = policy.stepsBp.length;
  return `step ${String(rollout.step + 1)} of ${String(steps)}: ${percent(policy.stepsBp[rollout.step] ?? 0)} of the subjects`;
}

function rolloutLines(
  view: RolloutView,
  rollout: RolloutState,
  { paint, nowMs, isWide }: TreeOptions,
): string[] {
  const since = duration(Math.max(0, nowMs - rollout.stageBeganAtMs));
  const paused = rollout.pausedBecause === null ? '' : paint('bad', ` · paused: ${rollout.pausedBecause}`);
  const lines = [`rollout: ${paint('strong', phaseWords(rollout, view))} for ${since}${paused}`];
  if (view.last !== null && !isUnderWay(rollout.phase))
    lines.push(`${paint('quiet', `by ${view.last.actor}:`)} ${view.last.because}`);
  if (!isUnderWay(rollout.phase)) return lines;
  const { evidence } = view.verdict ?? {};
  for (const what of view.waitsFor) lines.push(`waits for ${what}`);
  if (evidence !== undefined) {
    const { examplesNeeded, waitMs } = evidence;
    const about = waitMs === null ? '' : `, about ${duration(waitMs)} at the present rate`;
    if (examplesNeeded !== null && examplesNeeded > 0)
      lines.push(`likely needs ${count(examplesNeeded)} more labelled examples${about}`);
    const streams = isWide ? evidence.streams : evidence.streams.filter((one) => one.count > 0);
    lines.push(...streams.map((stream) => gateLine(stream, paint)));
  }
  for (const queued of view.queued) lines.push(paint('quiet', `then v${String(queued)}, which waits`));
  return lines;
}

function figuresOf({ report }: Overview, version: number): string {
  const measured = report?.versions.find((one) => one.version === version);
  if (measured === undefined) return '';
  const { examples = 0, recentLogLoss, baseRateLogLoss } = measured.learner;
  const loss =
    recentLogLoss == null
      ? ''
      : `  log-loss ${recentLogLoss.toFixed(4)}${baseRateLogLoss == null ? '' : ` (base rate ${baseRateLogLoss.toFixed(4)})`}`;
  return `${count(examples ?? 0)} learned${loss}  ${count(measured.predictions.served)} served`;
}

/** Returns the lines of a model: its versions, and under the candidate its rollout and gates. */
export function modelTree(overview: Overview, options: TreeOptions): string[] {
  const { paint, isWide } = options;
  const { model, rollout, report, missing } = overview;
  const { traffic, spec } = model;
  const stable =
    traffic.stable === null ? paint('bad', 'no stable version') : `stable v${String(traffic.stable)}`;
  const fresh = report?.freshnessMs['p99'];
  const freshness = fresh == null ? '' : ` · fresh within ${duration(fresh)} (p99)`;
  const lines = [
    `${paint('strong', model.name)}  ${stable} · plan ${String(traffic.planVersion)} · ${String(spec.features.length)} features${freshness}`,
  ];
  const shown = model.versions.filter(({ life }) => isWide || life !== 'retired');
  const hidden = model.versions.length - shown.length;
  shown.forEach((version, index) => {
    const isLast = index === shown.length - 1 && hidden === 0 && missing.length === 0;
    const role = roleOf(overview, version);
    const from = isWide && version.parent !== null ? `  ${version.mode} of v${String(version.parent)}` : '';
    const number = paint('strong', `v${String(version.version)}`);
    lines.push(
      `${isLast ? '└─' : '├─'} ${paint(role.tone, role.icon)} ${number} ${paint(role.tone, role.words.padEnd(34))} ${figuresOf(overview, version.version)}${paint('quiet', from)}`.trimEnd(),
    );
    const tried = rollout?.rollout ?? null;
    if (rollout === null || tried?.candidate !== version.version) return;
    const inner = rolloutLines(rollout, tried, options);
    inner.forEach((line, at) => {
      const branch = at === 0 ? '└─' : '  ';
      lines.push(`${isLast ? '   ' : '│  '}${branch} ${line}`);
    });
  });
  if (hidden > 0) lines.push(paint('quiet', `└─ ${String(hidden)} retired (-o wide shows them)`));
  for (const what of missing) lines.push(paint('bad', `!  ${what}`));
  return lines;
}
