import type { StackComponent } from './component.ts';
import type { ManagedComponent } from './managed-component.ts';
import { progressLine, secondsSince } from './progress-line.ts';

/** Returns a function that returns the component of a name, and throws RangeError when there is none. */
export function byName(components: readonly ManagedComponent[]): (name: StackComponent) => ManagedComponent {
  return (name) => {
    const found = components.find((one) => one.name === name);
    if (found === undefined)
      throw new RangeError(`no component ${name}; one of ${components.map((one) => one.name).join(', ')}`);
    return found;
  };
}

/** Where a component is, or undefined before its first start. */
function addressIfAny(component: ManagedComponent): string | undefined {
  try {
    return component.address();
  } catch {
    return undefined;
  }
}

async function startOne(component: ManagedComponent, onProgress: (line: string) => void): Promise<void> {
  const wasAlive = component.isAlive();
  const startMs = performance.now();
  await component.start();
  const where = component.address().replace(/^\w+:\/\//, '');
  const event =
    wasAlive === false ? `up in ${secondsSince(startMs)}` : wasAlive === true ? 'already running' : 'answers';
  onProgress(progressLine(component.title, `${event} on ${where}`));
}

/**
 * Starts what does not run: Redis and Kafka together, then the schema registry, which stores in Kafka. When one fails, those started
 * by this call are stopped, and the failure is thrown.
 */
export async function startComponents(
  components: readonly ManagedComponent[],
  onProgress: (line: string) => void,
): Promise<void> {
  const find = byName(components);
  const [kafka, registry] = [find('kafka'), find('schema-registry')];
  const toStart = components.filter((one) => one.isAlive() === false);
  const kafkaBefore = addressIfAny(kafka);
  try {
    const first = await Promise.allSettled([
      startOne(find('redis'), onProgress),
      startOne(kafka, onProgress),
    ]);
    for (const result of first) if (result.status === 'rejected') throw result.reason;
    // a registry left over from before the broker moved would go on asking for it at its old address
    if (registry.isAlive() === true && kafkaBefore !== kafka.address()) await registry.stop();
    await startOne(registry, onProgress);
  } catch (error) {
    await stopComponents(toStart);
    throw error;
  }
}

/** Stops, the last first, those of the components that this stack runs. All are tried; the first failure is thrown. */
export async function stopComponents(
  components: readonly ManagedComponent[],
  onProgress: (line: string) => void = () => undefined,
): Promise<void> {
  const failures: unknown[] = [];
  for (const component of [...components].reverse()) {
    if (component.isAlive() === undefined) continue;
    const wasAlive = component.isAlive() === true;
    const startMs = performance.now();
    try {
      await component.stop();
      onProgress(
        progressLine(component.title, wasAlive ? `stopped in ${secondsSince(startMs)}` : 'not running'),
      );
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
