import type { ConnectionShortcut } from '../../../shared/http/app.ts';
import { createAnswerWriter } from './plain-answer.ts';
import type { PlainAnswer } from './plain-answer.ts';
import { PlainConnection } from './plain-connection.ts';
import type { PlainShared } from './plain-connection.ts';

/** What plain connections need. */
export interface PlainConnectionsDeps extends Pick<
  PlainShared,
  'gate' | 'router' | 'routes' | 'monotonicMs'
> {
  /** For how long an idle connection is kept, ms. */
  readonly keepAliveMs: number;
  readonly nowMs: () => number;
}

/** How often connections are looked at, and for how long one request may come before it is left to Node, ms. */
const SWEEP_MS = 5000;

/**
 * Returns what writes answers when whatever tells them has told them all: a run of a version scores what has come in one turn.
 * Scoring and logging a row between two writes costs both of them: each time the processor has to load the other’s code anew.
 */
function createTellTogether(): PlainShared['tell'] {
  let told: { readonly connection: PlainConnection; readonly answer: PlainAnswer }[] = [];
  function write(): void {
    const all = told;
    told = [];
    for (const { connection, answer } of all) connection.write(answer);
  }
  return (connection, answer) => {
    if (told.length === 0) process.nextTick(write);
    told.push({ connection, answer });
  };
}

/**
 * Answers plain requests for predictions straight from the bytes of their connections: requests whose head is of the plainest kind
 * (`plain-head.ts`) and whose body its route takes (`plain-routes.ts`), one after the other. A connection on which anything else
 * comes is Node's from then on, with every byte of what came. So whatever is read here is read strictly, and Node reads the
 * rest. A request is let in when its head has come; of one that is not, the body is thrown away as it comes.
 */
export function createPlainConnections({
  keepAliveMs,
  nowMs,
  ...given
}: PlainConnectionsDeps): ConnectionShortcut {
  const connections = new Set<PlainConnection>();
  let sweeping: NodeJS.Timeout | undefined;

  /** One timer for all connections, because one for each would have to be set at every request. */
  function sweep(): void {
    const atMs = given.monotonicMs();
    for (const connection of connections) connection.sweep(atMs, { slowMs: SWEEP_MS, idleMs: keepAliveMs });
  }

  const shared: PlainShared = {
    ...given,
    text: createAnswerWriter(nowMs, keepAliveMs),
    tell: createTellTogether(),
    remove(connection) {
      connections.delete(connection);
      if (connections.size > 0) return;
      clearInterval(sweeping);
      sweeping = undefined;
    },
  };
  return {
    take(connection, otherwise) {
      connections.add(new PlainConnection(connection, shared, otherwise));
      sweeping ??= setInterval(sweep, SWEEP_MS).unref();
    },
    close() {
      for (const connection of connections) connection.close();
    },
  };
}
