import { setFlagsFromString } from 'node:v8';

/** Halves of young generations, MB. Nothing but the setting up of a heap reads them; 0 is not set. */
const FLAGS = ['--min-semi-space-size=0', '--max-semi-space-size=0'];

/**
 * Lets the `resourceLimits` of threads that are started from now on count. V8 has one set of flags a process, which go before them:
 * a young generation that the command line gives to who answers was that of every thread, too. The heap of who calls has been set up
 * and stays as it is.
 */
export function letThreadLimitsCount(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}
