import type { IncomingHttpHeaders } from 'node:http';
import { shown } from '../../../shared/domain/check-item.ts';
import { HttpProblem } from '../../../shared/http/problem.ts';
import type { Wanted } from '../domain/assign-subject.ts';

/** Header (and gRPC metadata key) by which a request names the version, or the arm, to be answered by. */
export const VERSION_HEADER = 'headrace-version';

const VERSION_PATTERN = /^[1-9]\d{0,8}$/;

/** Returns the number of a version as a path names it; undefined when it is not one. */
export function versionNumber(text: string): number | undefined {
  return VERSION_PATTERN.test(text) ? Number(text) : undefined;
}

/** Returns what the header names; undefined when there is none. Throws HttpProblem 400 when it names nothing. */
export function wantedOf(headers: IncomingHttpHeaders): Wanted {
  const given = headers[VERSION_HEADER];
  if (given === undefined) return undefined;
  if (given === 'stable' || given === 'candidate') return given;
  const version = typeof given === 'string' ? versionNumber(given) : undefined;
  if (version !== undefined) return version;
  const message = `${shown(given)}, allowed a version number, stable or candidate`;
  throw new HttpProblem(400, `header ${VERSION_HEADER}: ${message}`, {
    faults: [{ field: `header ${VERSION_HEADER}`, message }],
  });
}
