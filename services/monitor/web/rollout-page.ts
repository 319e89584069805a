import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Actions } from './dialog.ts';
import { basisPoints, count, duration, moment, percent, versionName } from './format.ts';
import { Gates } from './gates.ts';
import { html } from './html.ts';
import type { ModelPageState } from './merge.ts';
import { Alarms, Card, Chip, Empty, Stat, VersionMark } from './parts.ts';
import { isOpen, phaseWords } from './roles.ts';
import { actionsOf, railOf, startable } from './rollout-model.ts';
import { Validation } from './validation.ts';

const VERDICTS = { promote: 'good', rollback: 'bad', wait: 'busy' } as const;
const WORDS = { done: 'done', now: 'now', ahead: 'ahead', ended: 'ended here' } as const;

function Rail({ view }: ModelPageState): VNode | null {
  const { rollout, policy, versions } = view;
  if (rollout === null) return null;
  const mode = versions.find(({ version }) => version === rollout.candidate)?.mode;
  const stages = railOf(rollout, policy, mode !== 'copy' && mode !== 'published');
  return html`<ol class="rail" aria-label="Stages of the rollout">
    ${stages.map(({ name, state }) => html`<li key=${name} class=${state} aria-current=${state === 'now' ? 'step' : undefined}><span class="rail-dot" aria-hidden="true"></span><span class="rail-name">${name}</span><span class="rail-state">${WORDS[state]}</span></li>`)}
  </ol>`;
}

function Waits({ view }: ModelPageState): VNode | null {
  const { rollout, registry, verdict } = view;
  if (rollout === null || !isOpen(rollout.phase)) return null;
  const { word, fault } = registry;
  return html`<div class="waits">
    ${fault === null ? null : html`<p class="refused" role="status">${fault}. Figures here go on; commands and history have to wait.</p>`}
    ${rollout.pausedBecause === null ? null : html`<p><${Chip} tone="warn">paused<//> ${rollout.pausedBecause}</p>`}
    ${
      word === null || word.waitsFor.length === 0
        ? null
        : html`<p>waits for</p>
            <ul class="plain-list">
              ${word.waitsFor.map((one) => html`<li key=${one}>${one}</li>`)}
            </ul>`
    }
    ${verdict === null ? html`<p class="muted">No verdict yet: there is no evidence of this rollout here.</p>` : null}
  </div>`;
}

function Numbers({ view }: ModelPageState): VNode | null {
  const { rollout, verdict } = view;
  if (rollout === null || verdict === null) return null;
  const { evidence, value } = verdict;
  const isBusy = isOpen(rollout.phase);
  return html`<div class="stats">
    <${Stat}
      of="verdict"
      value=${html`<${Chip} tone=${VERDICTS[value]}>${value}<//>`}
      below=${isBusy ? `stage ${String(rollout.stage)}` : 'of the last stage'}
    />
    <${Stat}
      of="maturity"
      value=${percent(evidence.maturity)}
      below=${`${count(evidence.examples)} of ${count(evidence.requests)} requests`}
    />
    <${Stat} of="labels" as="In this stage" value=${count(evidence.stageExamples)} below="matured examples" />
    <${Stat}
      of="waiting"
      value=${count(evidence.waiting)}
      below=${evidence.samplingProbability === undefined || evidence.samplingProbability === 1 ? 'label window open' : `${percent(evidence.samplingProbability)} are kept`}
    />
    <${Stat}
      of="needed"
      value=${evidence.examplesNeeded === null ? 'unknown' : count(evidence.examplesNeeded)}
      below=${evidence.waitMs === null ? 'at no known rate' : `about ${duration(evidence.waitMs)} of event time`}
    />
    <${Stat}
      of="applied"
      value=${rollout.appliedAtMs === null ? (isBusy ? 'not yet' : '–') : moment(rollout.appliedAtMs, Date.now())}
      below=${!isBusy ? 'the rollout is over' : rollout.appliedAtMs === null ? 'routers take it' : 'the hold runs'}
    />
  </div>`;
}

function Start({ state, model }: { readonly state: ModelPageState; readonly model: string }): VNode | null {
  const { view } = state;
  const can = startable(view);
  const [chosen, setChosen] = useState<number | undefined>(undefined);
  const version = chosen !== undefined && can.includes(chosen) ? chosen : can.at(-1);
  if (version === undefined) return null;
  const action = {
    verb: 'Start a rollout',
    about: `v${String(version)} is compared with ${versionName(view.traffic.stable)} on the same requests, and gets traffic step by step as evidence allows.`,
    path: `/registry/v1/models/${encodeURIComponent(model)}/rollout`,
    more: { version },
    hasKey: true,
  };
  return html`<${Actions} actions=${[action]}>
    <label class="field inline"
      >Version
      <select
        value=${version}
        onChange=${(event: Event) => setChosen(Number((event.target as HTMLSelectElement).value))}
      >
        ${can.map((one) => html`<option key=${one} value=${one}>v${one}</option>`)}
      </select>
    </label>
  <//>`;
}

function Head({ state, model }: { readonly state: ModelPageState; readonly model: string }): VNode {
  const { view } = state;
  const { rollout } = view;
  if (rollout === null) return html``;
  const name =
    rollout.phase === 'canary'
      ? `canary at ${basisPoints(view.traffic.candidateWeightBp)}`
      : phaseWords(rollout.phase);
  return html`<${Card}
    title=${`Rollout of v${String(rollout.candidate)}, try ${String(rollout.attempt)} of ${String(view.policy.triesMax)}`}
    of="rollout"
    aside=${html`<span class="muted">against <${VersionMark} version=${rollout.baseline} /> · ${name} since ${moment(rollout.stageBeganAtMs, Date.now())}</span>`}
  >
    <${Rail} ...${state} />
    ${view.verdict === null ? null : html`<p class="because">${view.verdict.evidence.because}</p>`}
    ${view.registry.word?.last == null || isOpen(rollout.phase) ? null : html`<p class="muted">by ${view.registry.word.last.actor}: ${view.registry.word.last.because}</p>`}
    <${Waits} ...${state} />
    <${Actions} actions=${actionsOf(model, rollout)} />
    <${Start} state=${state} model=${model} />
    ${view.queued.length === 0 ? null : html`<p class="muted">then ${view.queued.map(versionName).join(', ')}, which wait</p>`}
  <//>`;
}

/** The rollout of a model: where it is, what it waits for, every gate, and what can be done. */
export function RolloutPage({
  state,
  model,
}: {
  readonly state: ModelPageState;
  readonly model: string;
}): VNode {
  const { view } = state;
  if (view.rollout === null)
    return html`<${Empty}
        title="No rollout has been tried yet"
        command=${`npm run -s headrace -- register ${model} --learner alpha=0.05 --approve
npm run -s headrace -- rollout start ${model} 2 --reason "a lower learning rate"`}
      >
        A rollout compares a second version with the stable one on the same requests, and gives it traffic
        step by step as evidence allows; the way back is one record and loses nothing.
      <//>
      <${Start} state=${state} model=${model} />`;
  const validation = view.verdict?.evidence.validation;
  return html`<div class="stack">
    <${Alarms} alarms=${view.alarms} />
    <${Head} state=${state} model=${model} />
    <${Numbers} ...${state} />
    <${Gates} state=${state} />
    ${validation == null ? null : html`<${Validation} report=${validation} />`}
  </div>`;
}
