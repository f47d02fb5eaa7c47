/**
 * Waits for conditions that events make true, and describes where things stood when they stop coming. What counts is that
 * nothing happens any more: a thousand calls may take as long as a busy machine needs.
 */
export class ConditionWatch {
  readonly #waiting = new Set<() => void>();
  readonly #deadlineMs: number;
  readonly #describe: () => string;

  constructor(deadlineMs: number, describe: () => string) {
    this.#deadlineMs = deadlineMs;
    this.#describe = describe;
  }

  /** Something happened: whoever waits looks again. */
  changed(): void {
    for (const look of this.#waiting) look();
  }

  /** Resolves once `condition` holds; rejects when nothing has happened for so long, naming `what` did not happen. */
  async until(condition: () => boolean, what: string): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (!condition()) return void timer.refresh();
        this.#waiting.delete(look);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`For ${this.#deadlineMs} ms nothing happened, and not that ${what}. ${this.#describe()}`));
      }, this.#deadlineMs);
      this.#waiting.add(look);
    });
  }
}
