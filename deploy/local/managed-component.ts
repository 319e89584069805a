import { join } from 'node:path';
import { HeadraceError, isRetriable, messageOf } from '../../shared/errors.ts';
import type { Component, ComponentPlace, StackComponent } from './component.ts';
import { endProcess, forgetPid, spawnComponent } from './component-process.ts';
import { endOfLog, logSize } from './log-tail.ts';
import { choosePorts } from './ports.ts';
import { isRunning } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { readStackState, rememberComponent } from './stack-state.ts';
import { waitUntil } from './wait-until.ts';

/** How the components of one stack are run. */
export interface RunPolicy {
  readonly dataDir: string;
  /** See SpawnOptions. */
  readonly watch: { readonly removeDir?: string } | undefined;
  readonly preferStandardPorts: boolean;
}

/** One component of a stack, whoever runs it. */
export interface ManagedComponent {
  readonly name: StackComponent;
  readonly title: string;
  /** Returns its address for clients; throws RangeError before its first start. */
  readonly address: () => string;
  /** Returns whether its process lives; undefined when someone else runs it. */
  readonly isAlive: () => boolean | undefined;
  /** Throws unless it answers. */
  readonly ask: () => Promise<void>;
  /** Starts it, or does nothing when it runs; returns once it answers. The first start chooses the ports, later ones keep them. */
  readonly start: () => Promise<void>;
  /** Stops it (SIGTERM, later SIGKILL), or does nothing when it does not run. */
  readonly stop: () => Promise<void>;
  /** Ends it with SIGKILL. */
  readonly kill: () => Promise<void>;
}

const PORT_TRIES = 5;
const PORT_TAKEN =
  /address already in use|address in use|port\(s\) already bound|failed to bind|seems to be in use/i;

/** Returns a component run by this stack. What is remembered in the data directory is taken over, running or not. */
export function manageComponent(component: Component, policy: RunPolicy): ManagedComponent {
  const { name } = component;
  const dir = join(policy.dataDir, name);
  const logFile = join(policy.dataDir, 'logs', `${name}.log`);
  const pidFile = join(policy.dataDir, `${name}.pid`);
  const remembered = readStackState(policy.dataDir)[name];
  let place: ComponentPlace | undefined = remembered?.ports && { dir, ...remembered.ports };
  let runs: ProcessIdentity | undefined = remembered?.process;
  let hasAnswered = runs !== undefined && isRunning(runs);

  const isAlive = (): boolean => runs !== undefined && isRunning(runs);
  const remember = (at: ComponentPlace): void => {
    const { port, innerPort } = at;
    const address = component.addressOf(port);
    rememberComponent(policy.dataDir, name, {
      address,
      ports: { port, innerPort },
      ...(runs && { process: runs }),
    });
  };

  const end = async (limitMs: number): Promise<void> => {
    if (runs === undefined || place === undefined) return;
    await endProcess(runs, limitMs);
    forgetPid(pidFile);
    runs = undefined;
    remember(place);
  };

  const untilAnswering = async (
    at: ComponentPlace,
    started: ProcessIdentity,
    logStart: number,
  ): Promise<void> => {
    const attempt = async (): Promise<void> => {
      const failure = await component.ask(at, started.pid).then(() => undefined, messageOf);
      // looked at after asking: an answer may have come from another one on the port while ours was failing to get it
      if (!isRunning(started)) {
        throw new HeadraceError(`${name} ended while starting`, {
          code: 'stack-unavailable',
          retriable: false,
        });
      }
      if (failure !== undefined) throw new Error(failure);
    };
    try {
      await waitUntil(attempt, {
        what: `${name} to answer on port ${String(at.port)}`,
        limitMs: component.startLimitMs,
      });
    } catch (cause) {
      throw new HeadraceError(`${messageOf(cause)}; ${endOfLog(logFile, logStart)}`, {
        code: 'stack-unavailable',
        retriable: isRetriable(cause),
        cause,
      });
    }
  };

  const launch = async (at: ComponentPlace): Promise<void> => {
    const command = await component.prepare(at);
    const logStart = logSize(logFile);
    const started = await spawnComponent({ ...command, pidFile, logFile, cwd: dir, watch: policy.watch });
    runs = started;
    place = at;
    remember(at);
    try {
      await untilAnswering(at, started, logStart);
    } catch (error) {
      await end(component.stopLimitMs);
      throw error;
    }
    hasAnswered = true;
  };

  const start = async (): Promise<void> => {
    if (runs !== undefined && place !== undefined && isRunning(runs))
      return untilAnswering(place, runs, logSize(logFile));
    if (hasAnswered && place !== undefined) return launch(place);
    const preferred = [
      ...(place ? [place.port] : []),
      ...(policy.preferStandardPorts ? component.standardPorts : []),
    ];
    for (let tries = 1; ; tries += 1) {
      const [port = 0, innerPort = 0] = await choosePorts(2, tries === 1 ? preferred : []);
      try {
        await launch({ dir, port, innerPort });
        return;
      } catch (error) {
        if (tries === PORT_TRIES || !PORT_TAKEN.test(messageOf(error))) throw error;
      }
    }
  };

  return {
    name,
    title: component.title,
    address: () => {
      if (place === undefined) throw new RangeError(`${name} has no address before its first start`);
      return component.addressOf(place.port);
    },
    isAlive,
    ask: () =>
      place && runs ? component.ask(place, runs.pid) : Promise.reject(new Error(`${name} does not run`)),
    start,
    stop: () => end(component.stopLimitMs),
    kill: () => end(0),
  };
}
