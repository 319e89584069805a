import { shown } from '../../../shared/domain/check-item.ts';
import type { ItemFault } from '../../../shared/domain/check-item.ts';
import type { Wanted } from './assign-subject.ts';

/** Header of HTTP and metadata key of gRPC by which a request names the version, or the arm, to be answered by. */
export const VERSION_HEADER = 'headrace-version';

const VERSION_PATTERN = /^[1-9]\d{0,8}$/;

/** Returns the number of a version as a path names it; undefined when it is not one. */
export function versionNumber(text: string): number | undefined {
  return VERSION_PATTERN.test(text) ? Number(text) : undefined;
}

/** Returns what the header names: nothing when it is not there; or what is wrong with it. */
export function parseWanted(given: unknown): { readonly wanted: Wanted } | { readonly fault: ItemFault } {
  if (given === undefined || given === 'stable' || given === 'candidate') return { wanted: given };
  const version = typeof given === 'string' ? versionNumber(given) : undefined;
  if (version !== undefined) return { wanted: version };
  const message = `${shown(given)}, allowed a version number, stable or candidate`;
  return { fault: { field: `header ${VERSION_HEADER}`, message } };
}
