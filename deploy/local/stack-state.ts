import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HeadraceError } from '../../shared/errors.ts';
import type { StackComponent } from './component.ts';
import type { ProcessIdentity } from './process-identity.ts';

/** What is remembered of one component. */
export interface ComponentState {
  readonly address: string;
  /** Absent for a component that someone else runs. */
  readonly ports?: { readonly port: number; readonly innerPort: number };
  /** Absent when it was stopped. */
  readonly process?: ProcessIdentity;
}

/** What `stack.json` holds: every component ever started in this data directory, by name. */
export type StackState = { readonly [name in StackComponent]?: ComponentState };

function pathIn(dataDir: string): string {
  return join(dataDir, 'stack.json');
}

/** Returns what is remembered in the data directory; nothing when it is new. */
export function readStackState(dataDir: string): StackState {
  const path = pathIn(dataDir);
  if (!existsSync(path)) return {};
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as StackState; // only this module writes it, and whole
  } catch (cause) {
    throw new HeadraceError(`cannot read ${path}: end what runs there by its *.pid files, then remove it`, {
      code: 'stack-unavailable',
      retriable: false,
      cause,
    });
  }
}

/** Remembers one component, or forgets it; the file is replaced as a whole. */
export function rememberComponent(
  dataDir: string,
  name: StackComponent,
  state: ComponentState | undefined,
): void {
  const { [name]: _, ...others } = readStackState(dataDir);
  const path = pathIn(dataDir);
  const draft = `${path}.draft`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(
    draft,
    `${JSON.stringify(state === undefined ? others : { ...others, [name]: state }, undefined, 2)}\n`,
  );
  renameSync(draft, path);
}
