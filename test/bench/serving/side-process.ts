import { join } from 'node:path';
import { endProcess, spawnComponent } from '../../../deploy/local/component-process.ts';
import { choosePorts } from '../../../deploy/local/ports.ts';
import { waitUntil } from '../../../deploy/local/wait-until.ts';

const STOP_LIMIT_MS = 5000;
const READY_LIMIT_MS = 60_000;

/** A server that the router is compared with, as a process of its own. */
export interface SideProcess {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** How a side is started. */
export interface SideOptions {
  readonly name: string;
  readonly dataDir: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly port: number;
  readonly cwd?: string;
  /** Path that answers once it is up, with any status below 500. */
  readonly probe: string;
}

/** Returns the server, listening. It ends with this process, however it ends. */
export async function startSide(options: SideOptions): Promise<SideProcess> {
  const { name, dataDir, command, args, port, probe, cwd = process.cwd() } = options;
  const logFile = join(dataDir, 'logs', `${name}.log`);
  const pidFile = join(dataDir, `${name}.pid`);
  const running = await spawnComponent({ command, args, cwd, pidFile, logFile, watch: {} });
  const url = `http://127.0.0.1:${String(port)}`;
  const stop = (): Promise<void> => endProcess(running, STOP_LIMIT_MS);
  try {
    await waitUntil(
      async () => {
        const { status } = await fetch(`${url}${probe}`);
        if (status >= 500) throw new Error(`it answers ${String(status)}`);
      },
      { what: `${name} (${logFile})`, limitMs: READY_LIMIT_MS },
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, pid: running.pid, stop };
}

/** Returns a Fastify echo: see `echo-server.ts`. */
export async function startEcho(kind: 'bare' | 'coalesced', dataDir: string): Promise<SideProcess> {
  const [port = 0] = await choosePorts(1, []);
  return startSide({
    name: `echo-${kind}`,
    dataDir,
    command: process.execPath,
    args: [join(import.meta.dirname, 'echo-server.ts'), kind, String(port)],
    port,
    probe: '/',
  });
}
