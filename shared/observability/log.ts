import { pino } from 'pino';

/** The part of a structured logger that code below `main.ts` needs. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Names under which secrets could reach a log line; their values are replaced. */
const SECRET_PATHS = ['password', 'authorization', 'headers.authorization', '*.password', '*.authorization'];

/** Returns a logger that writes one JSON object a line to standard output, tagged with the service's name. */
export function createLog(service: string, level: string): Log {
  return pino({ level, base: { service }, redact: SECRET_PATHS, timestamp: pino.stdTimeFunctions.isoTime });
}

/** A logger that drops everything: for tests and tools that print for people. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
