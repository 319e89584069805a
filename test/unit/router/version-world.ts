import type { Row } from '../../../services/router/loaded-version.ts';
import type { RowScore } from '../../../services/router/version-runs.ts';
import type { VersionServer } from '../../../services/router/version-server.ts';
import { fullOf, weightsOf } from './snapshot-records.ts';
import { createWorld } from './router-world.ts';
import type { RouterWorld } from './router-world.ts';

/** Key of the full snapshots of version 1. */
export const KEY = 'clicks#0/1/full';
/** Key of its deltas. */
export const DELTA_KEY = 'clicks#0/1/delta';
/** A row to be scored. */
export const ROW = ['north', true, 12.5];

/** Returns a router whose version 1 serves weights that give a bias. */
export async function worldWith(bias: number, position = 100): Promise<RouterWorld> {
  const world = createWorld();
  world.versions.take(KEY, fullOf(weightsOf(bias), { position }));
  await world.settle();
  return world;
}

/** Returns what a version scores a row. */
export function askFor(server: VersionServer, row: Row): Promise<RowScore> {
  return new Promise((resolve) => {
    server.score({ hashed: undefined, values: () => row }, resolve);
  });
}

/** Returns what version 1 scores the row, and by which position. */
export async function scoredBy(world: RouterWorld): Promise<{ score: number; position: number } | 'failed'> {
  const server = world.versions.of('clicks', 1);
  const result = server && (await askFor(server, ROW));
  return result?.ok === true ? { score: result.score, position: result.snapshot.position } : 'failed';
}
