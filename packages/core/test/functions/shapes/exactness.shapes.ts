import { shape, type Shape, type Ship } from './shape.ts';

function makeCounter(start: number) {
  let count = start;
  return { increment: () => (count += 1), read: () => count, decrement: () => (count -= 1) };
}

class Job {
  factor = 3;
  makeLoose(): (x: number) => number {
    return (x) => x * this.factor;
  }
  receiveAndMake(stored: (x: number) => number, ship: Ship): void {
    for (const fn of [stored, (x: number): number => x + this.factor]) {
      if (fn === stored) ship(fn);
    }
  }
  recurse(depth: number, given: ((x: number) => number) | undefined, ship: Ship, next: Job): void {
    const mine = (x: number): number => x * this.factor;
    if (depth === 0) ship(given ?? mine);
    else next.recurse(depth - 1, given ?? mine, ship, this);
  }
}

/** Where nothing but the heap itself tells which variable, or which `this`, a closure has. */
export const exactness: Shape[] = [
  shape('14b two closures share a function-level let', 3, (ship) => {
    const { increment, read } = makeCounter(5);
    ship(() => [increment(), increment(), read()]);
  }),
  shape('15b halves of two counters with the same value', 1, (ship) => {
    const { increment } = makeCounter(0);
    const { read } = makeCounter(0);
    ship(() => [increment(), increment(), read()]);
  }),
  shape('15c three counters, halves crossed', 1, (ship) => {
    const a = makeCounter(0);
    const b = makeCounter(0);
    const pick = { up: a.increment, down: b.decrement, seeA: a.read, seeB: b.read };
    ship(() => [pick.up(), pick.down(), pick.seeA(), pick.seeB()]);
  }),
  shape('a let that a loop changes, shared by its closures', 1, (ship) => {
    let sum = 0;
    const adders = [1, 2, 3].map((n) => () => (sum += n));
    ship(() => [adders.map((add) => add()), sum]);
  }),
  shape('a function that replaces itself', 2, (ship) => {
    let once = (x: number): string => {
      once = () => 'again';
      return `first ${x}`;
    };
    ship((x: number) => [once(x), once(x)]);
  }),
  shape('29b the method runs for another object', 4, (ship) => {
    const other = new Job();
    other.factor = 11;
    const stored = other.makeLoose();
    new Job().receiveAndMake(stored, ship);
  }),
  shape('the same method running for two objects', 4, (ship) => {
    const other = new Job();
    other.factor = 9;
    new Job().recurse(1, undefined, ship, other);
  }),
];
