/** What the stack is made of. */
export type StackComponent = 'kafka' | 'redis' | 'schema-registry';

/** Where one component runs: its own directory, its ports on 127.0.0.1 (the first is the one clients use). */
export interface ComponentPlace {
  readonly dir: string;
  readonly port: number;
  /** A second port, for components that need one. */
  readonly innerPort: number;
}

/** How a component's process is started. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
}

/** One kind of component: how it is started and how one learns that it, and no other, answers. */
export interface Component {
  readonly name: StackComponent;
  /** Name and version, for progress lines. */
  readonly title: string;
  /** Ports to try first when standard ones are wanted. */
  readonly standardPorts: readonly number[];
  /** How long it may take from its start to its first answer, ms. */
  readonly startLimitMs: number;
  /** How long it may take from SIGTERM to its end, ms; then SIGKILL. */
  readonly stopLimitMs: number;
  /** Writes its configuration, prepares its data (the first time only), returns how to start it. */
  readonly prepare: (place: ComponentPlace) => Promise<Launch>;
  /** Throws unless the component of this place, run by process `pid`, answers on its port. */
  readonly ask: (place: ComponentPlace, pid: number) => Promise<void>;
  /** Returns the address for clients. */
  readonly addressOf: (port: number) => string;
}
