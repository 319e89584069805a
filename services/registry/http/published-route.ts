import type { FastifyInstance } from 'fastify';
import { HttpProblem } from '../../../shared/http/problem.ts';
import type { Signature } from '../domain/published-ask.ts';
import { askedBy, knownModel } from './asking.ts';
import type { RegistryRoutesDeps } from './routes-deps.ts';
import { sendRegistered } from './send-registered.ts';
import { valueOf } from './value-of.ts';
import { modelParams, publishVersionBody } from './version-schemas.ts';

/** Files that may wait for their check, the one under way included: each is held in memory. */
const CHECKS_MAX = 4;

interface PublishBody {
  readonly onnx: string;
  readonly signature: {
    readonly inputs: Signature['inputs'];
    readonly output: { readonly name: string; readonly column?: number };
  };
  readonly probe?: unknown;
}

/** Returns the bytes of base64 text; throws 422 when it is none. */
function bytesOf(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '')) return bytes;
  const message = `${JSON.stringify(text.slice(0, 24))}… is not base64`;
  throw new HttpProblem(422, `onnx: ${message}`, { faults: [{ field: 'onnx', message }] });
}

/** Adds the route that makes a model file from elsewhere a version. */
export function publishedRoute(app: FastifyInstance, deps: RegistryRoutesDeps): void {
  const { fileBytesMax } = deps.published;
  let checks = 0;

  app.post<{ Params: { model: string }; Body: PublishBody }>(
    '/v1/models/:model/versions/published',
    {
      bodyLimit: Math.ceil((fileBytesMax * 4) / 3) + 262_144,
      schema: {
        params: modelParams,
        summary:
          'Make an ONNX file from elsewhere a version, which is served and judged as the others are and never learns',
        body: publishVersionBody,
      },
    },
    async (request, reply) => {
      const registry = await deps.writable();
      const { model: name } = request.params;
      const { spec } = knownModel(registry, name);
      if (checks >= CHECKS_MAX) {
        const words = `${String(checks)} files are being checked, allowed ${String(CHECKS_MAX)} at a time`;
        throw new HttpProblem(503, words, { retryAfterSeconds: 5 });
      }
      const { onnx, signature, probe } = request.body;
      const { inputs, output } = signature;
      const file = bytesOf(onnx);
      checks += 1;
      try {
        const asked = { file, signature: { inputs, output: { column: 1, ...output } }, probe };
        const published = valueOf(await deps.published.check(spec, asked));
        await deps.published.keep(published.digest, file);
        const position = await deps.startOf(name, 'end');
        const result = await registry.take(
          { kind: 'publish-version', model: name, published, position },
          askedBy(request),
        );
        return await sendRegistered(reply, registry, name, result);
      } finally {
        checks -= 1;
      }
    },
  );
}
