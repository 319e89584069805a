import type { RawAnswer } from './answer-reader.ts';
import type { FuzzInput } from './inputs.ts';

/** What an answer was: a success, a problem document, or neither, in words. */
export type Judged = 'taken' | 'problem' | { readonly fault: string };

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProblem(value: unknown, status: number | undefined): value is { error?: unknown; detail: string } {
  if (typeof value !== 'object' || value === null) return false;
  const { type, title, status: told, detail } = value as Record<string, unknown>;
  const isTold = typeof told === 'number' && told >= 400 && (status === undefined || told === status);
  return isTold && type === 'about:blank' && typeof title === 'string' && typeof detail === 'string';
}

function bulkFault(body: string): string | undefined {
  for (const line of body.split('\n').filter((one) => one !== '')) {
    const value = parsed(line) as { predictionId?: unknown; line?: unknown } | undefined;
    const isAnswered = typeof value?.predictionId === 'string';
    if (
      !isAnswered &&
      !(isProblem(value, undefined) && typeof (value as { line?: unknown }).line === 'number')
    )
      return `a line is neither answer nor problem: ${line.slice(0, 120)}`;
  }
  return undefined;
}

/** Returns what an answer to an input is. */
export function judgeAnswer(
  { family, isOpenInference }: FuzzInput,
  { status, headers, body }: RawAnswer,
): Judged {
  const type = headers.get('content-type') ?? '';
  if (status < 300) {
    const fault = family === 'bulk' ? bulkFault(body.toString('utf8')) : undefined;
    return fault === undefined ? 'taken' : { fault };
  }
  const told = `${String(status)} ${type}`;
  if (!type.startsWith('application/problem+json'))
    return { fault: `${told} ${body.toString('utf8').slice(0, 120)}` };
  const document = parsed(body.toString('utf8'));
  if (!isProblem(document, status))
    return { fault: `${told} is no problem document: ${body.toString('utf8').slice(0, 120)}` };
  if (isOpenInference && document.error !== document.detail) return { fault: `${told} without "error"` };
  if (status >= 500 && status !== 503) return { fault: `${told} ${document.detail}` };
  return 'problem';
}
