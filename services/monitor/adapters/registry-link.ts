import { messageOf } from '../../../shared/errors.ts';
import type { RegistryWord } from '../domain/page/messages.ts';
import { HttpProblem } from '../../../shared/http/problem.ts';
import type { RegistryLink } from '../ports.ts';

const TIME_MAX_MS = 5000;
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

async function limitedText(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > ANSWER_BYTES_MAX)
      throw new RangeError(`its answer has more than ${String(ANSWER_BYTES_MAX)} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Returns header values as Node sends them: the bytes of UTF-8. */
function headerBytes(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Buffer.from(value, 'utf8').toString('latin1')]),
  );
}

/**
 * Returns a link to the registry at a URL, with limits of time and size. It throws a problem with status 503 when the registry does not
 * answer; redirects are not followed.
 *
 * @param url empty where there is no registry: then every question is answered so
 */
export function createRegistryLink(url: string): RegistryLink {
  return async ({ method, path, headers = {}, body }) => {
    if (url === '') throw new HttpProblem(503, 'no registry is configured: REGISTRY_URL is empty');
    try {
      const answer = await fetch(url.replace(/\/$/, '') + path, {
        method,
        redirect: 'error',
        headers: {
          ...headerBytes(headers),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIME_MAX_MS),
      });
      const type = answer.headers.get('content-type') ?? 'application/json';
      return { status: answer.status, type, text: await limitedText(answer) };
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new HttpProblem(503, `the registry does not answer: ${messageOf(cause)}`, {
        retryAfterSeconds: 2,
      });
    }
  };
}

/** Returns what the registry alone says of a model's rollout; throws a problem when it does not. */
export async function rolloutWord(ask: RegistryLink, model: string): Promise<RegistryWord> {
  const path = `/v1/models/${encodeURIComponent(model)}/rollout`;
  const { status, text } = await ask({ method: 'GET', path });
  if (status !== 200) throw new HttpProblem(status, `the registry answers with status ${String(status)}`);
  const { waitsFor, routers, last } = JSON.parse(text) as RegistryWord;
  return { waitsFor, routers, last };
}
