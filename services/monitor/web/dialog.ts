import type { ComponentChildren, VNode } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { newKey, post, Refused } from './api.ts';
import { html } from './html.ts';

/** Something an operator can have done. */
export interface Action {
  /** What stands on the button, and in the question. */
  readonly verb: string;
  /** What will happen. */
  readonly about: string;
  /** Where it is sent. */
  readonly path: string;
  /** What is sent besides who and why. */
  readonly more?: Readonly<Record<string, unknown>>;
  readonly isDangerous?: boolean;
  /** Whether it takes a key that makes sending it twice harmless. */
  readonly hasKey?: boolean;
}

const ACTOR = 'headrace-actor';

/** Asks who and why, and has it done; stays open with the reason when it is refused. */
function Confirm({
  action,
  onClose,
}: {
  readonly action: Action;
  readonly onClose: (isDone: boolean) => void;
}): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [actor, setActor] = useState(localStorage.getItem(ACTOR) ?? '');
  const [reason, setReason] = useState('');
  const [fault, setFault] = useState('');
  const [isSending, setSending] = useState(false);
  const [key] = useState(newKey);
  useLayoutEffect(() => dialog.current?.showModal(), []);

  async function send(): Promise<void> {
    setSending(true);
    setFault('');
    localStorage.setItem(ACTOR, actor);
    try {
      await post(action.path, { actor, reason, ...(action.hasKey === true ? { key } : {}), ...action.more });
      onClose(true);
    } catch (error) {
      setFault(error instanceof Refused ? error.message : String(error));
      setSending(false);
    }
  }

  const onSubmit = (event: Event): void => {
    event.preventDefault();
    void send();
  };
  const text = (event: Event): string => (event.target as HTMLInputElement).value;
  return html`<dialog ref=${dialog} aria-labelledby="asked" onCancel=${() => onClose(false)}>
    <form onSubmit=${onSubmit}>
      <h2 id="asked">${action.verb}?</h2>
      <p>${action.about}</p>
      <label class="field"
        >Who<input
          required
          maxlength="64"
          autocomplete="username"
          value=${actor}
          onInput=${(event: Event) => setActor(text(event))}
      /></label>
      <label class="field"
        >Why<input
          required
          maxlength="512"
          placeholder="for the history"
          value=${reason}
          onInput=${(event: Event) => setReason(text(event))}
      /></label>
      ${fault === '' ? null : html`<p class="refused" role="alert">${fault}</p>`}
      <div class="buttons">
        <button type="button" onClick=${() => onClose(false)}>Cancel</button>
        <button
          type="submit"
          class=${action.isDangerous === true ? 'danger' : 'primary'}
          disabled=${isSending}
        >
          ${action.verb}
        </button>
      </div>
    </form>
  </dialog>`;
}

/** Buttons that have something done after asking who and why; says when it was. */
export function Actions({
  actions,
  children,
  onDone,
}: {
  readonly actions: readonly Action[];
  readonly children?: ComponentChildren;
  readonly onDone?: () => void;
}): VNode {
  const [asked, setAsked] = useState<Action | undefined>(undefined);
  const [said, setSaid] = useState('');
  const close = (isDone: boolean): void => {
    setSaid(isDone && asked !== undefined ? `${asked.verb}: done` : '');
    setAsked(undefined);
    if (isDone) onDone?.();
  };
  return html`<div class="actions">
    ${children}
    ${actions.map((action) => html`<button key=${action.verb} type="button" class=${action.isDangerous === true ? 'danger' : ''} title=${action.about} onClick=${() => setAsked(action)}>${action.verb}</button>`)}
    <span class="muted" role="status">${said}</span>
    ${asked === undefined ? null : html`<${Confirm} key=${asked.path} action=${asked} onClose=${close} />`}
  </div>`;
}
