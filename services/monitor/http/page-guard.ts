import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { HttpProblem } from '../../../shared/http/problem.ts';

/** Returns the name in a Host header without its port and brackets. */
function nameOf(host: string): string {
  const bracketed = /^\[([0-9a-fA-F:.]+)\](?::\d+)?$/.exec(host);
  return (bracketed?.[1] ?? host.replace(/:\d+$/, '')).toLowerCase();
}

/**
 * Throws 421 unless the request was made to an address, to `localhost` or to a name that is allowed. A page elsewhere whose name is made to
 * lead here after it was loaded (DNS rebinding) sends its own name.
 */
export function requireKnownHost(request: FastifyRequest, allowed: ReadonlySet<string>): void {
  const name = nameOf(request.headers.host ?? '');
  if (isIP(name) !== 0 || name === 'localhost' || allowed.has(name)) return;
  throw new HttpProblem(421, `host ${name}, allowed addresses, localhost and the names of PAGE_HOSTS`);
}

/**
 * Throws 403 unless a browser says that the request comes from a page of this server, and 415 unless it is JSON, which no form of another
 * page can send without being asked first.
 */
export function requireSameOrigin(request: FastifyRequest): void {
  const { host = '', origin } = request.headers;
  const site = request.headers['sec-fetch-site'];
  const isSameSite = site === undefined || site === 'same-origin';
  const isSameOrigin = origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
  if ((site === undefined && origin === undefined) || !isSameSite || !isSameOrigin)
    throw new HttpProblem(
      403,
      `origin ${String(origin)}, sec-fetch-site ${String(site)}, allowed pages of this server alone`,
    );
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json(;|$)/i.test(type))
    throw new HttpProblem(415, `content-type ${type}, allowed application/json`);
}
