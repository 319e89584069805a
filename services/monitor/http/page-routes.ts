import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { HttpProblem } from '../../../shared/http/problem.ts';
import { requireKnownHost } from './page-guard.ts';

/** One file as it is served. */
interface ServedAsset {
  readonly type: string;
  readonly bytes: Buffer;
  readonly gzipped: Buffer;
}

/** What serving the page needs. */
export interface PageRoutesDeps {
  /** Names besides addresses and `localhost` under which the page may be asked for. */
  readonly hosts: ReadonlySet<string>;
  /** Returns the files of the page; read once, at the first request. */
  readonly assets: () => {
    readonly index: ServedAsset;
    readonly indexDigest: string;
    readonly digest: string;
    readonly files: ReadonlyMap<string, ServedAsset>;
    readonly importMapHash: string;
  };
}

const ALWAYS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const;

function policyOf(importMapHash: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${importMapHash}'`,
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function send(request: FastifyRequest, reply: FastifyReply, asset: ServedAsset): FastifyReply {
  const isZipped = /\bgzip\b/.test(request.headers['accept-encoding']?.toString() ?? '');
  if (isZipped) reply.header('content-encoding', 'gzip');
  return reply
    .headers(ALWAYS)
    .header('vary', 'accept-encoding')
    .type(asset.type)
    .send(isZipped ? asset.gzipped : asset.bytes);
}

/** Adds the page under `/` and its files under `/assets/{digest}/`. */
export function pageRoutes(app: FastifyInstance, { hosts, assets }: PageRoutesDeps): void {
  const hidden = { schema: { hide: true } };
  app.get('/', hidden, (request, reply) => {
    requireKnownHost(request, hosts);
    const { index, indexDigest, importMapHash } = assets();
    const etag = `"${indexDigest}"`;
    reply
      .header('etag', etag)
      .header('cache-control', 'no-cache')
      .header('content-security-policy', policyOf(importMapHash))
      .header('cross-origin-opener-policy', 'same-origin');
    if (request.headers['if-none-match'] === etag) return reply.code(304).headers(ALWAYS).send();
    return send(request, reply, index);
  });

  app.get<{ Params: { digest: string; file: string } }>('/assets/:digest/:file', hidden, (request, reply) => {
    requireKnownHost(request, hosts);
    const { digest, files } = assets();
    const { file } = request.params;
    const found = request.params.digest === digest ? files.get(file) : undefined;
    if (found === undefined)
      throw new HttpProblem(404, `the page has no file ${file} under this digest; load it anew`);
    return send(request, reply.header('cache-control', 'public, max-age=31536000, immutable'), found);
  });
}
