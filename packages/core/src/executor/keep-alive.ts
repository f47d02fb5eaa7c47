/**
 * Keeps the process alive while jobs run. Neither file events nor idle workers do: a program that has no job left ends
 * by itself, and one that waits for a job never ends before it.
 */
const FAR_AWAY_MS = 2_147_483_647;

export class KeepAlive {
  #holders = 0;
  #timer: NodeJS.Timeout | undefined;

  acquire(): void {
    this.#holders += 1;
    this.#timer ??= setInterval(() => {}, FAR_AWAY_MS);
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
