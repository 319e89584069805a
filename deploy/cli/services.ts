import { createHttpClient } from '../demo/http-client.ts';
import type { Answer, HttpClient } from '../demo/http-client.ts';
import { messageOf } from '../../shared/errors.ts';
import { CliError, EXIT } from './io.ts';
import type { Io } from './io.ts';

/** Services that commands speak with, and where they are unless the environment says otherwise. */
export const SERVICE_URLS = {
  registry: 'http://127.0.0.1:8084',
  router: 'http://127.0.0.1:8080',
  ingest: 'http://127.0.0.1:8082',
  'online-learner': 'http://127.0.0.1:8083',
  monitor: 'http://127.0.0.1:8085',
} as const;

/** One of them. */
export type ServiceName = keyof typeof SERVICE_URLS;

/** A request to a service. */
export interface Question {
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The services, spoken to over HTTP. */
export interface Services {
  /** Where a service is. */
  url(service: ServiceName): string;
  /** Returns the answer whatever it is; throws when nobody answers. */
  send(service: ServiceName, path: string, question?: Question): Promise<Answer>;
  /** Returns the body of a good answer; throws what the problem document says otherwise. */
  ask<T>(service: ServiceName, path: string, question?: Question): Promise<T>;
  close(): void;
}

/** Name of the variable that says where a service is. */
export function urlVariable(service: ServiceName): string {
  return `HEADRACE_${service.replace('online-', '').toUpperCase()}_URL`;
}

/** Returns what a problem document says, with every fault on a line of its own. */
function problemWords({ status, body }: Answer): string {
  const { detail, title, faults } = (typeof body === 'object' && body !== null ? body : {}) as {
    detail?: string;
    title?: string;
    faults?: { field: string; message: string }[];
  };
  const lines = (faults ?? []).map(({ field, message }) => `  ${field}: ${message}`);
  return [detail ?? title ?? `status ${String(status)}`, ...(lines.length > 1 ? lines : [])].join('\n');
}

/** Returns the services as the environment names them. */
export function createServices(io: Pick<Io, 'env'>, http: HttpClient = createHttpClient(8)): Services {
  const url = (service: ServiceName): string =>
    (io.env[urlVariable(service)] ?? SERVICE_URLS[service]).replace(/\/$/, '');

  async function send(service: ServiceName, path: string, question: Question = {}): Promise<Answer> {
    try {
      return await http.send(question.method ?? 'GET', url(service) + path, question.body, question.headers);
    } catch (error) {
      const hint = `is it running? ${urlVariable(service)} says where it is`;
      throw new CliError(
        `${service} at ${url(service)} does not answer: ${messageOf(error)} (${hint})`,
        EXIT.unreachable,
      );
    }
  }

  return {
    url,
    send,
    async ask<T>(service: ServiceName, path: string, question?: Question) {
      const answer = await send(service, path, question);
      if (answer.status < 400) return answer.body as T;
      throw new CliError(problemWords(answer), answer.status === 503 ? EXIT.unreachable : EXIT.refused);
    },
    close: () => {
      http.close();
    },
  };
}

/** Returns a path of a model, its name made safe. */
export function modelPath(model: string, rest = ''): string {
  return `/v1/models/${encodeURIComponent(model)}${rest}`;
}
