/**
 * Who is next: the member with the least load, and among equals the one that waited longest.
 *
 * Members stand in one bucket per load, so that ten thousand one-call jobs cost no more per turn than two large ones.
 */
export class FairQueue<Member> {
  readonly #loads = new Map<Member, number>();
  /** Bucket by load; a set keeps the order of arrival. Empty buckets are removed. */
  readonly #buckets = new Map<number, Set<Member>>();

  get size(): number {
    return this.#loads.size;
  }

  /** Puts a member in, or moves it, to the end of the line of its load. A member whose load is unchanged keeps its place. */
  set(member: Member, load: number): void {
    if (this.#loads.get(member) === load) return;
    this.delete(member);
    this.#loads.set(member, load);
    const bucket = this.#buckets.get(load);
    if (bucket === undefined) this.#buckets.set(load, new Set([member]));
    else bucket.add(member);
  }

  /** All of them, in no order. */
  get members(): Iterable<Member> {
    return this.#loads.keys();
  }

  delete(member: Member): void {
    const load = this.#loads.get(member);
    if (load === undefined) return;
    this.#loads.delete(member);
    const bucket = this.#buckets.get(load) as Set<Member>;
    bucket.delete(member);
    if (bucket.size === 0) this.#buckets.delete(load);
  }

  /**
   * The member to serve now and how much to give it of `available` units (at least 1): its equal share among the
   * least loaded, but not so much that it overtakes the next load.
   */
  next(available: number): { readonly member: Member; readonly share: number } | undefined {
    let least = Infinity;
    let second = Infinity;
    for (const load of this.#buckets.keys()) {
      if (load < least) {
        second = least;
        least = load;
      } else if (load < second) second = load;
    }
    const bucket = this.#buckets.get(least);
    if (bucket === undefined) return undefined;
    const member = bucket.values().next().value as Member;
    const equalShare = Math.max(1, Math.floor(available / bucket.size));
    return { member, share: Math.min(available, equalShare, second - least) };
  }
}
