/** What a worker process writes to its standard streams: whole lines for the log, and the end of it for diagnoses. */

/** More would not help anyone who reads an error. */
const TAIL_CHARACTERS = 4_096;

export class OutputLines {
  readonly #onLine: (line: string) => void;
  #tail = '';
  #unfinished = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** The last characters that were written. */
  get tail(): string {
    return this.#tail;
  }

  push(text: string): void {
    this.#tail = (this.#tail + text).slice(-TAIL_CHARACTERS);
    const lines = (this.#unfinished + text).split('\n');
    this.#unfinished = (lines.pop() as string).slice(-TAIL_CHARACTERS);
    for (const line of lines) if (line.trim() !== '') this.#onLine(line);
  }
}
