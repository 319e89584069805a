import type { FastifyInstance } from 'fastify';
import { HttpProblem } from '../../../shared/http/problem.ts';
import type { DeadLetter } from '../../../shared/domain/events.ts';
import { requireKnownHost, requireSameOrigin } from './page-guard.ts';

const PAGE_MAX = 100;
/** Bytes of a record that are shown. */
const SHOWN_BYTES = 4096;

interface Letter extends DeadLetter {
  readonly number: number;
}

/** What the routes need. */
export interface DeadLetterRoutesDeps {
  readonly hosts: ReadonlySet<string>;
  /** Returns the desk; throws 503 while Kafka has not been reached. */
  readonly desk: () => {
    newest(count: number, before?: number): Promise<readonly Letter[]>;
    one(number: number): Promise<Letter | undefined>;
    redrive(letter: Letter): Promise<{ topic: string; partition: number; offset: string }>;
  };
  /** Told who put which letter back and why. */
  readonly onRedriven: (done: { number: number; actor: string; reason: string }) => void;
}

const params = {
  type: 'object',
  required: ['number'],
  properties: { number: { type: 'string', pattern: '^[0-9]{1,15}$' } },
} as const;

function shownOf({ key, value, ...letter }: Letter): object {
  return {
    ...letter,
    key: key === null ? null : Buffer.from(key).toString('utf8'),
    valueBytes: value?.length ?? 0,
  };
}

/** Adds `/v1/dead-letters`: the newest, one with its bytes, and putting one back. */
export function deadLetterRoutes(
  app: FastifyInstance,
  { hosts, desk, onRedriven }: DeadLetterRoutesDeps,
): void {
  async function known(text: string): Promise<Letter> {
    const found = await desk().one(Number(text));
    if (found === undefined) throw new HttpProblem(404, `there is no dead letter ${text}`);
    return found;
  }

  app.get<{ Querystring: { last?: string; before?: string } }>(
    '/v1/dead-letters',
    {
      schema: {
        summary: `The newest dead letters, or the newest below a number; at most ${String(PAGE_MAX)}`,
        querystring: {
          type: 'object',
          properties: {
            last: { type: 'string', pattern: '^[1-9][0-9]{0,2}$' },
            before: { type: 'string', pattern: '^[0-9]{1,15}$' },
          },
        },
      },
    },
    async (request) => {
      requireKnownHost(request, hosts);
      const { last = String(PAGE_MAX), before } = request.query;
      const count = Number(last);
      if (count > PAGE_MAX) throw new HttpProblem(400, `last ${last}, allowed 1 … ${String(PAGE_MAX)}`);
      const letters = await desk().newest(count, before === undefined ? undefined : Number(before));
      return { letters: letters.map(shownOf) };
    },
  );

  app.get<{ Params: { number: string } }>(
    '/v1/dead-letters/:number',
    { schema: { summary: 'One dead letter, with the beginning of its bytes', params } },
    async (request) => {
      requireKnownHost(request, hosts);
      const letter = await known(request.params.number);
      const bytes = Buffer.from(letter.value ?? []).subarray(0, SHOWN_BYTES);
      return { ...shownOf(letter), valueBase64: bytes.toString('base64') };
    },
  );

  app.post<{ Params: { number: string }; Body: { actor: string; reason: string } }>(
    '/v1/dead-letters/:number/redrive',
    {
      schema: {
        summary: 'Put the record back on its topic as it came; from a page of this server alone',
        params,
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['actor', 'reason'],
          properties: {
            actor: { type: 'string', minLength: 1, maxLength: 64 },
            reason: { type: 'string', maxLength: 512 },
          },
        },
      },
      onRequest: (request, _reply, done) => {
        requireKnownHost(request, hosts);
        requireSameOrigin(request);
        done();
      },
    },
    async (request) => {
      const letter = await known(request.params.number);
      try {
        const written = await desk().redrive(letter);
        onRedriven({ number: letter.number, ...request.body });
        return { number: letter.number, ...written };
      } catch (error) {
        if (error instanceof RangeError) throw new HttpProblem(409, error.message);
        throw error;
      }
    },
  );
}
