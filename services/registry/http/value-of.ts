import { HttpProblem } from '../../../shared/http/problem.ts';
import type { Parsed } from './routes-deps.ts';

/** Returns a parsed value; throws 422 with every fault. */
export function valueOf<T>(parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  const words = parsed.faults.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw new HttpProblem(422, words, { faults: parsed.faults });
}
