import { setTimeout } from 'node:timers/promises';
import { join } from 'node:path';
import { LocalProcess } from '../local-process.ts';

const root = join(import.meta.dirname, '../..');

/** Between two starts of a runner that keeps ending, in milliseconds; longer every time. */
const pauseMs = 1000;
const longestPauseMs = 60_000;

export interface RunnerPlace {
  readonly controlUrl: string;
  /** With the scope runner. */
  readonly key: string;
  /** For its cache and the job at hand. */
  readonly folder: string;
  readonly log: (line: string) => void;
}

/** Keeps one runner working: a new one is started when it ends. @returns what ends it for good, letting it hand back its job */
export function keepRunner({ controlUrl, key, folder, log }: RunnerPlace): () => Promise<void> {
  let runner: LocalProcess | undefined;
  const stop = new AbortController();
  const stopped = (): boolean => stop.signal.aborted;
  const keep = async (): Promise<void> => {
    for (let times = 0; !stopped(); times++) {
      runner = new LocalProcess(
        'The runner',
        ['--disable-warning=ExperimentalWarning', join(root, 'gpu-runner/cli.ts'), 'runner'],
        {
          cwd: root,
          detached: true,
          env: {
            ...process.env,
            TRUNKLINE_URL: controlUrl,
            TRUNKLINE_KEY: key,
            TRUNKLINE_RUNNER_NAME: 'local',
            TRUNKLINE_RUNNER_FOLDER: folder,
            TRUNKLINE_RUNNER_HEALTH: 'off',
          },
        },
      );
      const why = await runner.succeed().then(
        () => 'The runner ended',
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      if (stopped()) return;
      log(`${why}\nAnother runner is started`);
      const pause = Math.min(pauseMs * 2 ** times, longestPauseMs);
      await setTimeout(pause, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  };
  const kept = keep();
  return async () => {
    stop.abort();
    await runner?.stop();
    await kept;
  };
}
