import type { Schema } from 'avsc';
import avro from 'avsc';
import { HeadraceError, messageOf } from '../errors.ts';
import { incompatibilities } from './schema-compatibility.ts';

/** What registering a schema would do, or did. */
export type SchemaChange = { readonly subject: string; readonly kind: 'same' | 'first' | 'new version' };

const REQUEST_TIMEOUT_MS = 10_000;

async function ask(url: string, init: RequestInit = {}): Promise<{ status: number; body: unknown }> {
  try {
    const answer = await fetch(url, {
      ...init,
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const text = await answer.text();
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    if (answer.status >= 500) throw new Error(`status ${String(answer.status)}: ${text.slice(0, 200)}`);
    return { status: answer.status, body };
  } catch (error) {
    throw new HeadraceError(`asking the schema registry ${url}: ${messageOf(error)}`, {
      code: 'schema-registry-unavailable',
      retriable: true,
      cause: error,
    });
  }
}

async function registeredVersions(
  base: string,
  subject: string,
): Promise<{ version: number; schema: Schema }[]> {
  const { status, body } = await ask(`${base}/subjects/${subject}/versions`);
  if (status === 404) return [];
  const versions = body as number[];
  return Promise.all(
    versions.map(async (version) => {
      const found = await ask(`${base}/subjects/${subject}/versions/${String(version)}`);
      return { version, schema: JSON.parse((found.body as { schema: string }).schema) as Schema };
    }),
  );
}

/** Returns the schema as one canonical text that keeps docs and defaults, to tell whether anything changed. */
function wholeText(schema: Schema): string {
  return JSON.stringify(avro.Type.forSchema(schema).schema({ exportAttrs: true }));
}

/** Returns what registering a schema would change; throws `schema-incompatible` naming field and version. */
export async function planSchema(
  registryUrl: string,
  subject: string,
  schema: Schema,
): Promise<SchemaChange> {
  const earlier = await registeredVersions(registryUrl, subject);
  if (earlier.length === 0) return { subject, kind: 'first' };
  if (earlier.some((known) => wholeText(known.schema) === wholeText(schema)))
    return { subject, kind: 'same' };
  const clashes = incompatibilities(schema, earlier);
  if (clashes.length === 0) return { subject, kind: 'new version' };
  const words = clashes.map(
    ({ version, direction, detail }) => `version ${String(version)}, ${direction}: ${detail}`,
  );
  throw new HeadraceError(`registering ${subject}: ${words.join('; ')}`, {
    code: 'schema-incompatible',
    retriable: false,
  });
}

/** Registers a schema and holds its subject to FULL_TRANSITIVE from now on. */
export async function registerSchema(registryUrl: string, subject: string, schema: Schema): Promise<void> {
  const { status, body } = await ask(`${registryUrl}/subjects/${subject}/versions`, {
    method: 'POST',
    body: JSON.stringify({ schema: JSON.stringify(schema) }),
  });
  if (status >= 400) {
    throw new HeadraceError(`registering ${subject}: ${JSON.stringify(body)}`, {
      code: 'schema-incompatible',
      retriable: false,
    });
  }
  const config = await ask(`${registryUrl}/config/${subject}`, {
    method: 'PUT',
    body: JSON.stringify({ compatibility: 'FULL_TRANSITIVE' }),
  });
  if (config.status >= 400) {
    throw new HeadraceError(`setting FULL_TRANSITIVE on ${subject}: ${JSON.stringify(config.body)}`, {
      code: 'schema-registry-unavailable',
      retriable: true,
    });
  }
}
