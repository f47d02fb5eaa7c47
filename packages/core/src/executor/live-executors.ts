/**
 * Executors that a program forgot to dispose are disposed when it has nothing left to do: their workers stop and what
 * their jobs left in storage goes. A program that is killed leaves it to `splitrock clean`.
 */
interface Disposable {
  dispose(): Promise<void>;
}

const live = new Set<Disposable>();

const disposeLive = (): void => {
  for (const executor of live) {
    executor.dispose().catch((error: unknown) => {
      process.exitCode ??= 1;
      process.stderr.write(`splitrock: an executor did not stop cleanly: ${String(error)}\n`);
    });
  }
};

/** Registers an executor that has started something; the returned function takes it off again. */
export function registerLiveExecutor(executor: Disposable): () => void {
  if (live.size === 0) process.on('beforeExit', disposeLive);
  live.add(executor);
  return () => {
    live.delete(executor);
    if (live.size === 0) process.off('beforeExit', disposeLive);
  };
}
