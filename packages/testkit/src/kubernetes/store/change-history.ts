import type { Change } from './change.ts';

/** How many changes are kept for watches that come back; the real server forgets after five minutes. */
const CAPACITY = 20_000;

/** The changes that a watch can still be told of. */
export class ChangeHistory {
  #changes: Change[] = [];
  #forgottenUntil: number;

  constructor(firstVersion: number) {
    this.#forgottenUntil = firstVersion;
  }

  /** The newest version whose change is forgotten: a watch may go on from here, not from before. */
  get forgottenUntil(): number {
    return this.#forgottenUntil;
  }

  add(change: Change): void {
    this.#changes.push(change);
    // Halved at once, so that the price of moving the rest is paid rarely.
    if (this.#changes.length >= CAPACITY) this.forget(this.#changes[CAPACITY / 2 - 1]?.version ?? change.version);
  }

  /** The changes after `version`, oldest first, or undefined if some of them are forgotten. */
  since(version: number): readonly Change[] | undefined {
    if (version < this.#forgottenUntil) return undefined;
    let first = this.#changes.length;
    while (first > 0 && (this.#changes[first - 1]?.version ?? 0) > version) first -= 1;
    return this.#changes.slice(first);
  }

  /** Forgets every change up to `version`, as compaction does. */
  forget(version: number): void {
    this.#changes = this.#changes.filter((change) => change.version > version);
    this.#forgottenUntil = Math.max(this.#forgottenUntil, version);
  }
}
