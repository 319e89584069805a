/**
 * `echo-server.ts KIND PORT`: Fastify alone, what a router is measured by. It validates a prediction request by its schema and
 * answers with the same body, serialised by the same schema: `bare` at once, `coalesced` together with everything else that
 * came in the same turn of the event loop.
 */
import fastify from 'fastify';

const [kind = '', port = ''] = process.argv.slice(2);

const BODY_SCHEMA = {
  type: 'object',
  required: ['subject', 'features'],
  additionalProperties: false,
  properties: {
    subject: { type: 'string', minLength: 1, maxLength: 256 },
    features: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean', 'null'] } },
    id: { type: 'string', maxLength: 120 },
    predictedAtMs: { type: 'integer', minimum: 0 },
  },
} as const;

const app = fastify({ logger: false, ajv: { customOptions: { coerceTypes: false, allowUnionTypes: true } } });
const schema = { body: BODY_SCHEMA, response: { 200: BODY_SCHEMA } };

let waiting: (() => void)[] = [];

function answerAll(): void {
  const answers = waiting;
  waiting = [];
  for (const answer of answers) answer();
}

if (kind === 'bare') {
  app.post('/v1/models/:model/predict', { schema }, (request, reply) => {
    void reply.send(request.body);
  });
} else {
  app.post('/v1/models/:model/predict', { schema }, (request, reply) => {
    if (waiting.length === 0) setImmediate(answerAll);
    waiting.push(() => {
      void reply.send(request.body);
    });
  });
}
await app.listen({ host: '127.0.0.1', port: Number(port) });
