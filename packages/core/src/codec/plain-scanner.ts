/**
 * Finds the parts of a graph that may travel as one v8 payload: objects from which only plain objects can be reached,
 * none of them deeper than V8's recursion can take.
 *
 * Tarjan's algorithm with its own stack: a cycle is plain when all its members are. Verdicts are kept, so a graph that
 * is asked about piece by piece is still scanned once.
 */
import { plainChildren } from './plain-children.ts';

/** V8 gives up at about 5,000 levels, fewer when the stack is in use already; the reader may have less of it. */
const MAX_RAW_DEPTH = 1_000;
const NOT_PLAIN = 0;
const OPEN = -1;

interface Visit {
  readonly children: readonly object[];
  /** Position in the path of open visits, which is the depth. */
  readonly depth: number;
  readonly order: number;
  next: number;
  /** The earliest open visit that can be reached from here. */
  low: number;
  plain: boolean;
  /** {@link OPEN} until the cycle it belongs to is complete. */
  verdict: number;
  /** Levels below this object, outside its own cycle. */
  heightBelow: number;
}

export class PlainScanner {
  readonly #claims: ((value: object) => boolean) | undefined;
  /** Height of a plain object (a leaf has 1) or {@link NOT_PLAIN}; for objects with children, the visit that knows it. */
  readonly #verdicts = new Map<object, number | Visit>();
  /** Visits whose cycle is not complete yet. */
  readonly #pending: Visit[] = [];

  /** @param claims - objects that are not plain although they look it. */
  constructor(claims?: (value: object) => boolean) {
    this.#claims = claims;
  }

  has(value: object): boolean {
    return this.#verdicts.has(value);
  }

  isPlain(value: object): boolean {
    const known = this.#verdicts.get(value) ?? this.#scan(value);
    return (typeof known === 'number' ? known : known.verdict) !== NOT_PLAIN;
  }

  #scan(root: object): number | Visit {
    const path: Visit[] = [];
    const result = this.#open(root, path);
    for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
      const child = visit.children[visit.next++];
      if (child === undefined) {
        path.pop();
        this.#close(visit, path.at(-1));
        continue;
      }
      const known = this.#verdicts.get(child);
      if (known === undefined) {
        const opened = this.#open(child, path);
        if (typeof opened === 'number') noteChild(visit, opened);
      } else if (typeof known === 'number') noteChild(visit, known);
      else if (known.verdict !== OPEN) noteChild(visit, known.verdict);
      else visit.low = Math.min(visit.low, known.order);
    }
    return result;
  }

  /** The verdict where it is clear at once; otherwise the visit, which is on the path now. */
  #open(value: object, path: Visit[]): number | Visit {
    const children = this.#claims?.(value) === true ? undefined : plainChildren(value);
    if (children === undefined || children.length === 0) {
      const verdict = children === undefined ? NOT_PLAIN : 1;
      this.#verdicts.set(value, verdict);
      return verdict;
    }
    const order = this.#pending.length;
    const visit: Visit = {
      children,
      depth: path.length,
      order,
      next: 0,
      low: order,
      plain: true,
      verdict: OPEN,
      heightBelow: 0,
    };
    path.push(visit);
    this.#pending.push(visit);
    this.#verdicts.set(value, visit);
    return visit;
  }

  #close(visit: Visit, parent: Visit | undefined): void {
    if (visit.low < visit.order) {
      if (parent !== undefined) parent.low = Math.min(parent.low, visit.low);
      return;
    }
    const verdict = this.#closeCycle(visit);
    if (parent !== undefined) noteChild(parent, verdict);
  }

  /** The members of the cycle that began with this visit, most often it alone, get one verdict. */
  #closeCycle(first: Visit): number {
    let { plain, depth: deepest, heightBelow } = first;
    for (let index = first.order + 1; index < this.#pending.length; index++) {
      const member = this.#pending[index] as Visit;
      plain &&= member.plain;
      deepest = Math.max(deepest, member.depth);
      heightBelow = Math.max(heightBelow, member.heightBelow);
    }
    const height = deepest - first.depth + 1 + heightBelow;
    const verdict = plain && height <= MAX_RAW_DEPTH ? height : NOT_PLAIN;
    while (this.#pending.length > first.order) (this.#pending.pop() as Visit).verdict = verdict;
    return verdict;
  }
}

function noteChild(visit: Visit, verdict: number): void {
  if (verdict === NOT_PLAIN) visit.plain = false;
  else visit.heightBelow = Math.max(visit.heightBelow, verdict);
}
