import { evolveDirectory } from '../domain/model-directory.ts';
import type { ModelDirectory } from '../domain/model-directory.ts';
import type { ModelVersionEvent } from '../domain/events.ts';
import type { Codec } from '../events/codec.ts';
import type { KafkaClient } from './client.ts';
import { followTopic } from './topic-follower.ts';
import type { TopicFollower } from './topic-follower.ts';

/** What following the version log needs. */
export interface DirectoryDeps {
  readonly kafka: KafkaClient;
  readonly codec: Codec;
  readonly onFatal: (error: unknown) => void;
  /** Called with every event as it is folded, the old ones too. */
  readonly onEvent?: (event: ModelVersionEvent) => void;
  /** Called after every change once the log has been read to its end. */
  readonly onChange?: (directory: ModelDirectory) => void;
}

/** The directory of all models, kept up to date. */
export interface DirectoryFollower extends TopicFollower {
  readonly directory: () => ModelDirectory;
}

/** Follows model-versions.v1 and returns its fold: every model with spec, versions and plan. */
export async function followDirectory(deps: DirectoryDeps): Promise<DirectoryFollower> {
  let directory: ModelDirectory = new Map();
  let isCaughtUp = false;
  const follower = await followTopic({
    ...deps,
    topic: 'model-versions.v1',
    onRecord: ({ value }) => {
      if (value === null) return;
      directory = evolveDirectory(directory, value);
      deps.onEvent?.(value);
      if (isCaughtUp) deps.onChange?.(directory);
    },
  });
  void follower.caughtUp.then(() => {
    isCaughtUp = true;
    deps.onChange?.(directory);
  });
  return { ...follower, directory: () => directory };
}
