/** What the person has chosen; `auto` follows the system. */
export type Theme = 'auto' | 'light' | 'dark';

const KEY = 'headrace-theme';
const listeners = new Set<() => void>();

/** Returns the chosen theme. */
export function chosenTheme(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === 'light' || kept === 'dark' ? kept : 'auto';
}

/** Shows the page in a theme and keeps the choice. */
export function chooseTheme(theme: Theme): void {
  if (theme === 'auto') localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, theme);
  applyTheme();
}

/** Shows the page in the chosen theme. */
export function applyTheme(): void {
  const theme = chosenTheme();
  if (theme === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  for (const listener of listeners) listener();
}

/** Calls back whenever colours may have changed; returns how to stop. */
export function onColours(listener: () => void): () => void {
  listeners.add(listener);
  const system = matchMedia('(prefers-color-scheme: dark)');
  system.addEventListener('change', listener);
  return () => {
    listeners.delete(listener);
    system.removeEventListener('change', listener);
  };
}

/** Returns a colour of the style sheet as it is now. */
export function colour(name: string): string {
  probe ??= document.body.appendChild(document.createElement('span'));
  probe.className = 'probe';
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

let probe: HTMLElement | undefined;
