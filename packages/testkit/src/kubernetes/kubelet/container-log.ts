import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '@splitrock/core/plugin';

export interface LogLine {
  readonly atMs: number;
  /** With its line break, which the last line of a container may lack. */
  readonly text: string;
}

/** As much as a kubelet keeps of one container before it rotates. */
const MAX_CHARACTERS = 10 * 1024 * 1024;

/** The output of one run of a container, and those who follow it. */
export class ContainerLog {
  readonly #clock: Clock;
  readonly #followers = new Set<{ readonly line: (line: LogLine) => void; readonly end: () => void }>();
  #lines: LogLine[] = [];
  #characters = 0;
  #ended = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  get ended(): boolean {
    return this.#ended;
  }

  append(text: string): void {
    const line = { atMs: this.#clock.now(), text };
    this.#lines.push(line);
    this.#characters += text.length;
    if (this.#characters > MAX_CHARACTERS) this.#rotate();
    for (const follower of this.#followers) follower.line(line);
  }

  /** Cuts a stream into lines; returns what to call with its pieces, and at its end with nothing. */
  writer(): (piece?: Buffer) => void {
    const decoder = new StringDecoder('utf8');
    let rest = '';
    return (piece) => {
      rest += piece === undefined ? decoder.end() : decoder.write(piece);
      const lines = rest.split(/(?<=\n)/);
      rest = lines.at(-1)?.endsWith('\n') === true || piece === undefined ? '' : (lines.pop() ?? '');
      for (const line of lines) if (line !== '') this.append(line);
    };
  }

  end(): void {
    this.#ended = true;
    for (const follower of this.#followers) follower.end();
    this.#followers.clear();
  }

  /** Calls for each line from now on. The returned function ends it. */
  follow(line: (line: LogLine) => void, end: () => void): () => void {
    const follower = { line, end };
    if (this.#ended) end();
    else this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  #rotate(): void {
    this.#lines = this.#lines.slice(Math.ceil(this.#lines.length / 2));
    this.#characters = this.#lines.reduce((sum, { text }) => sum + text.length, 0);
  }
}
