/** How many keys are worked on before the event loop gets a turn, so that requests are answered meanwhile. */
const BATCH = 64;

/**
 * Works on keys soon after they were added, each once however often it was added meanwhile: the way in which every
 * controller follows the store.
 */
export class WorkQueue {
  readonly #work: (key: string) => void;
  readonly #keys = new Set<string>();
  #scheduled: NodeJS.Immediate | undefined;
  #stopped = false;

  constructor(work: (key: string) => void) {
    this.#work = work;
  }

  add(key: string): void {
    this.#keys.add(key);
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#keys.clear();
    clearImmediate(this.#scheduled);
  }

  #schedule(): void {
    if (this.#stopped || this.#scheduled !== undefined || this.#keys.size === 0) return;
    this.#scheduled = setImmediate(() => {
      this.#scheduled = undefined;
      let left = BATCH;
      for (const key of this.#keys) {
        if (left === 0) break;
        left -= 1;
        this.#keys.delete(key);
        this.#work(key);
      }
      this.#schedule();
    });
  }
}
