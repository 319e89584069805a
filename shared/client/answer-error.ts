import type { Problem } from '../http/problem.ts';

/** A service has answered, and not with what was asked for. */
export class AnswerError extends Error {
  readonly status: number;
  /** The problem document of the answer; undefined when it had none. */
  readonly problem: Problem | undefined;

  constructor(url: string, status: number, text: string) {
    const problem = problemIn(text);
    super(`${url}: ${String(status)} ${problem?.detail ?? text.slice(0, 200)}`);
    this.name = 'AnswerError';
    this.status = status;
    this.problem = problem;
  }
}

function problemIn(text: string): Problem | undefined {
  try {
    const value = JSON.parse(text) as Partial<Problem> | null;
    return typeof value?.detail === 'string' ? (value as Problem) : undefined;
  } catch {
    return undefined;
  }
}
