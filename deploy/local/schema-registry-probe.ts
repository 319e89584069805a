const CONFLUENT_PATH = '/apis/ccompat/v7';

async function get(url: string, limitMs: number): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(limitMs) });
  const body = await response.text();
  if (!response.ok) throw new Error(`${url} answers ${String(response.status)}: ${body.slice(0, 200)}`);
  return JSON.parse(body);
}

/** Throws unless a schema registry with Confluent's API lists its subjects at `url` within `limitMs`. */
export async function askSchemaRegistry(url: string, limitMs = 5000): Promise<void> {
  await get(`${url.replace(/\/$/, '')}/subjects`, limitMs);
}

/** Returns the name that the Apicurio registry on a port of 127.0.0.1 was given at its start. */
export async function askApicurioName(port: number, limitMs = 5000): Promise<string | undefined> {
  const answer = await get(`http://127.0.0.1:${String(port)}/apis/registry/v3/system/info`, limitMs);
  return typeof answer === 'object' && answer !== null && 'name' in answer ? String(answer.name) : undefined;
}

/** Returns the URL of the Confluent API of an Apicurio registry on a port of 127.0.0.1. */
export function confluentUrl(port: number): string {
  return `http://127.0.0.1:${String(port)}${CONFLUENT_PATH}`;
}
