const asked = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
/** As a shell tells it: 128 and the signal's number. */
const exitCodes = { SIGTERM: 143, SIGINT: 130, SIGHUP: 129 } as const;

export interface StopSignals {
  /** Aborted by the first signal that asks this process to end. */
  readonly signal: AbortSignal;
  /** Signals do what they did before. */
  release(): void;
}

/**
 * Lets a process end gracefully when it is asked to: the first signal aborts, the second ends it at once.
 *
 * @param process whose signals; a test's own
 */
export function stopOnSignals(
  process: Pick<NodeJS.Process, 'on' | 'off' | 'exit'>,
  log: (line: string) => void,
): StopSignals {
  const stop = new AbortController();
  const onSignal = (name: (typeof asked)[number]): void => {
    if (stop.signal.aborted) process.exit(exitCodes[name]);
    log(`${name}: ending after what is at hand is put away; once more ends at once`);
    stop.abort(new Error('The runner is shutting down'));
  };
  for (const name of asked) process.on(name, onSignal);
  return {
    signal: stop.signal,
    release: () => {
      for (const name of asked) process.off(name, onSignal);
    },
  };
}
