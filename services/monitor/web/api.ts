/** Why something asked for was not done, in the words of the problem document. */
export class Refused extends Error {}

async function bodyOf<T>(answer: Response): Promise<T> {
  const body = (await answer.json().catch(() => ({}))) as { detail?: string };
  if (!answer.ok) throw new Refused(body.detail ?? `status ${String(answer.status)}`);
  return body as T;
}

async function asked(work: Promise<Response>): Promise<Response> {
  try {
    return await work;
  } catch {
    throw new Refused('the monitor does not answer');
  }
}

/** Returns what a path says; throws Refused with the reason when it does not. */
export async function get<T>(path: string): Promise<T> {
  return bodyOf<T>(await asked(fetch(path, { cache: 'no-store' })));
}

/** Sends a command; throws Refused with the reason when it is not done. */
export async function post(path: string, body: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  return bodyOf(await asked(fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })));
}

/** Returns a key that makes sending a command again harmless. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}
