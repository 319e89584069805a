import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync, openSync, writeSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceName } from '../../../deploy/fleet/fleet.ts';
import type { StackComponent } from '../../../deploy/local/stack.ts';
import { openLoad } from '../../bench/overload/open-load.ts';
import type { StartedSystem } from '../../support/system.ts';
import type { RouterEnv, RouterPair } from './router-pair.ts';

/** One thing that goes wrong while traffic flows. */
export interface Rung {
  readonly name: string;
  /** How routers are started for it; as always when not said. */
  readonly env?: RouterEnv;
  /** Whether the candidate may answer its subjects meanwhile. */
  readonly candidateMayAnswer: boolean;
  readonly mayShed?: boolean;
  /** Brings it about. */
  begin(): Promise<void>;
  /** What goes on for as long as it lasts. */
  during?(seconds: number): Promise<void>;
  /** Ends it. */
  end(): Promise<void>;
  /** Resolves when what it did to routers is over, where that is more than that they go by Kafka. */
  recovered?(): Promise<void>;
}

/** Version that is spoiled. */
export const CANDIDATE = 2;
const ROWS = 64;
const OVERLOAD = { rate: 4000, connections: 300, deadlineMs: 1000 };
const FULL_SIZE = '256k';
const HOUR_MS = 3_600_000;

const nothing = (): Promise<void> => Promise.resolve();

/** Returns a body of so many rows of the small model. */
function heavyBody(): string {
  const all = <T>(value: T): T[] => Array.from({ length: ROWS }, () => value);
  return JSON.stringify({
    inputs: [
      { name: 'colour', shape: [ROWS], datatype: 'BYTES', data: all('red') },
      { name: 'size', shape: [ROWS], datatype: 'FP64', data: all(2.5) },
    ],
  });
}

/** Fills what is left of a file system. */
function fill(file: string): void {
  const descriptor = openSync(file, 'w');
  try {
    for (;;) writeSync(descriptor, Buffer.alloc(4096));
  } catch {
    closeSync(descriptor); // it is full
  }
}

/** Returns a directory of a tiny file system that is full, or, where none can be mounted, one that cannot be written to. */
function fullDisk(dataDir: string): { dir: string; free: () => void; remove: () => void } {
  const dir = join(dataDir, 'full');
  try {
    mkdirSync(dir, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${FULL_SIZE}`, 'tmpfs', dir], { stdio: 'ignore' });
  } catch {
    const file = join(dataDir, 'no-directory');
    writeFileSync(file, '');
    const free = (): void => {
      rmSync(file, { force: true });
    };
    return { dir: file, free, remove: free };
  }
  const filler = join(dir, 'filler');
  fill(filler);
  const free = (): void => {
    rmSync(filler, { force: true });
  };
  return { dir, free, remove: () => execFileSync('umount', ['-l', dir], { stdio: 'ignore' }) };
}

/** Returns the rungs of the ladder, and how to clear away what they leave. */
export function ladderOf(
  system: StartedSystem,
  pair: RouterPair,
  model: string,
): { rungs: readonly Rung[]; clear: () => void } {
  const disk = fullDisk(system.dataDir);
  const files = (result: string): string => `headrace_router_cache_files_total{result="${result}"}`;

  const withoutComponent = (component: StackComponent): Rung => ({
    name: `${component} gone`,
    candidateMayAnswer: true,
    begin: () => system.stack.stopComponent(component),
    end: () => system.stack.startComponent(component),
  });
  const withoutService = (service: ServiceName): Rung => ({
    name: `${service} gone`,
    candidateMayAnswer: true,
    begin: () => system.fleet.one(service).kill(),
    end: async () => {
      await system.fleet.one(service).start();
      await system.fleet.one(service).untilReady();
    },
  });
  const spoiled = (name: string, how: string): Rung => ({
    name: `a candidate that ${name}`,
    env: { INJECT_FAILURES: `${model}/${String(CANDIDATE)}:1${how}`, SCORING_BUDGET_MS: '100' },
    candidateMayAnswer: false,
    begin: nothing,
    end: nothing,
  });

  const rungs: Rung[] = [
    {
      name: 'kafka gone before the start',
      candidateMayAnswer: false,
      async begin() {
        await pair.untilMetric(files('written'), 1);
        await system.stack.stopComponent('kafka');
        await pair.roll({});
        await pair.untilServingFrom('cache');
      },
      end: () => system.stack.startComponent('kafka'),
    },
    withoutComponent('kafka'),
    {
      name: 'rolling restart',
      candidateMayAnswer: true,
      begin: async () => {
        await pair.roll({});
        await pair.roll({});
      },
      end: nothing,
    },
    spoiled('throws', ''),
    spoiled('gives NaN', ':nan'),
    spoiled('hangs for 500 ms', ':hang'),
    { ...spoiled('eats memory', ':memory'), begin: () => pair.untilLogged('bytes of memory in one run') },
    {
      name: 'disk full',
      env: (index) => ({ DATA_DIR: join(disk.dir, String(index)) }),
      candidateMayAnswer: true,
      begin: () => pair.untilMetric(files('failed'), 1),
      end: () => {
        disk.free();
        return Promise.resolve();
      },
      recovered: () => pair.untilMetric(files('written'), 1),
    },
    {
      name: 'clocks an hour off',
      env: (index) => ({ CLOCK_OFFSET_MS: String(index === 0 ? HOUR_MS : -HOUR_MS) }),
      candidateMayAnswer: true,
      begin: nothing,
      end: nothing,
    },
    {
      name: 'event loop overloaded',
      candidateMayAnswer: true,
      mayShed: true,
      begin: nothing,
      async during(seconds) {
        const target = { url: pair.urls[0], path: `/v2/models/${model}/infer`, bodies: [heavyBody()] };
        await openLoad(target, { ...OVERLOAD, seconds });
      },
      end: nothing,
    },
    withoutComponent('redis'),
    withoutService('registry'),
    withoutComponent('schema-registry'),
    withoutService('online-learner'),
  ];
  return { rungs, clear: disk.remove };
}
