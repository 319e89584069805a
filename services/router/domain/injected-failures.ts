import { murmur3 } from '../../../shared/domain/murmur3.ts';
import type { FeatureValue } from '../../../shared/domain/model-spec.ts';

const HASHES = 2 ** 32;

/** What the setting INJECT_FAILURES may be: nothing, or a model, its version, a share, and how it fails when it does not throw. */
export const INJECT_FAILURES_PATTERN =
  '^([a-z0-9-]{1,63}/[1-9][0-9]{0,8}:[01](\\.[0-9]{1,6})?(:[a-z]{1,10})?)?$';

/** How a run is spoiled that does not throw: it answers late, gives NaN, or takes memory while it runs. */
export type Spoiling = 'hang' | 'nan' | 'memory';

/** Ways in which a run may be spoiled. */
export const SPOILINGS: readonly Spoiling[] = ['hang', 'nan', 'memory'];

/** Called before a run of rows that were asked for; what it throws is that run's failure, what it returns spoils the run. */
export type BeforeRun = (
  model: string,
  version: number,
  rows: readonly (readonly (FeatureValue | undefined)[])[],
) => Spoiling | undefined;

/**
 * Returns what lets the runs of one version fail when they hold a row of the injected share, so that a proof has a version
 * that throws on some inputs. A hash of the row's values decides, so that they are the same rows each time. Undefined when the
 * setting is empty.
 */
export function createInjectedFailures(setting: string): BeforeRun | undefined {
  const [, model, version, share, how] = /^(.+)\/(\d+):([\d.]+)(?::(.+))?$/.exec(setting) ?? [];
  if (model === undefined) return undefined;
  const limit = Number(share) * HASHES;
  const isBad = (row: readonly (FeatureValue | undefined)[]): boolean =>
    murmur3(JSON.stringify(row), 0) >>> 0 < limit;
  return (ofModel, ofVersion, rows) => {
    if (ofModel !== model || ofVersion !== Number(version) || !rows.some(isBad)) return undefined;
    if (how === undefined) throw new Error('injected failure (INJECT_FAILURES)');
    return how as Spoiling;
  };
}
