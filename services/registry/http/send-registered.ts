import type { FastifyReply } from 'fastify';
import type { CommandResult, Registry } from '../service.ts';
import { knownModel, orThrow } from './asking.ts';
import { versionView } from './views.ts';

/** Answers 201 with the version that a command has registered and where it is; throws the problem of a refused command. */
export function sendRegistered(
  reply: FastifyReply,
  registry: Registry,
  name: string,
  result: CommandResult,
): FastifyReply {
  orThrow(result);
  const version = result.kind === 'recorded' ? result.event.version : null;
  const [registered] = knownModel(registry, name).versions.filter((one) => one.version === version);
  return reply
    .code(201)
    .header('location', `/v1/models/${name}/versions/${String(version)}`)
    .send(registered === undefined ? undefined : versionView(registered));
}
