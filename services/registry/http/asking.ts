import type { FastifyRequest } from 'fastify';
import type { ModelState } from '../../../shared/domain/model-directory.ts';
import { HttpProblem } from '../../../shared/http/problem.ts';
import type { Refusal } from '../domain/refusal.ts';
import type { Asked, CommandResult, Registry } from '../service.ts';

const STATUS: Readonly<Record<Refusal['kind'], number>> = {
  'not-found': 404,
  conflict: 409,
  'precondition-failed': 412,
  invalid: 422,
};
const TEXT_MAX = { actor: 128, reason: 1024, key: 128 };

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Returns the text of a header's bytes, which Node gives as Latin-1: UTF-8 where they are that. */
function textOf(latin1: string): string {
  try {
    return utf8.decode(Buffer.from(latin1, 'latin1'));
  } catch {
    return latin1;
  }
}

function headerText(request: FastifyRequest, name: string, max: number): string | undefined {
  const value = request.headers[name];
  if (value === undefined || value === '') return undefined;
  const text = textOf(String(value));
  if (text.length > max)
    throw new HttpProblem(
      400,
      `header ${name} has ${String(text.length)} characters, allowed ${String(max)}`,
    );
  return text;
}

/** Returns who asks and why, as the headers say. Throws 400 when one is too long. */
export function askedBy(request: FastifyRequest): Asked {
  return {
    actor: headerText(request, 'headrace-actor', TEXT_MAX.actor) ?? 'anonymous',
    reason: headerText(request, 'headrace-reason', TEXT_MAX.reason) ?? '',
    idempotencyKey: headerText(request, 'idempotency-key', TEXT_MAX.key),
  };
}

/** Returns a model; throws 404 when there is none of the name. */
export function knownModel(registry: Registry, name: string): ModelState {
  const model = registry.directory().get(name);
  if (model === undefined) throw new HttpProblem(404, `model ${name} does not exist`);
  return model;
}

/** Throws the problem of a refused command. */
export function orThrow(result: CommandResult): void {
  if (result.kind === 'refused') throw new HttpProblem(STATUS[result.refusal.kind], result.refusal.message);
}
