import { shape, type Shape, type Ship } from './shape.ts';

class Job {
  factor = 3;
  history: number[] = [];
  run(ship: Ship): void {
    ship((x: number) => x * this.factor);
  }
  async runLater(ship: Ship): Promise<void> {
    await Promise.resolve();
    ship((x: number) => [x * this.factor, this.history.length]);
  }
  runNested(ship: Ship): void {
    [1].forEach(() => {
      const inner = (x: number): number => x + this.factor;
      ship((x: number) => inner(x) * this.factor);
    });
  }
  makeLoose(): (x: number) => number {
    return (x) => x * this.factor;
  }
  runThrough(other: Job, ship: Ship): void {
    if (other === this) ship((x: number) => x * this.factor);
    else other.receive((x: number) => x * this.factor, ship);
  }
  receive(fn: (x: number) => number, ship: Ship): void {
    ship(fn);
  }
  *steps(ship: Ship): Generator<number> {
    yield 1;
    ship((x: number) => x + this.factor);
  }
}
class WithGetter {
  readonly present: { readonly ship?: Ship };
  readonly amount = 3;
  constructor(present: { ship?: Ship }) {
    this.present = present;
  }
  get shipped(): boolean {
    const { ship } = this.present;
    delete (this.present as { ship?: Ship }).ship;
    ship?.((x: number) => x - this.amount);
    return true;
  }
}
class Field {
  offset = 4;
  add = (x: number): number => x + this.offset;
  go(ship: Ship): void {
    ship(this.add);
  }
}
class Hidden {
  #step = 5;
  go(ship: Ship): void {
    const step = this.#step;
    ship((x: number) => x + step);
  }
}

export const outerThis: Shape[] = [
  shape('map() inside the method', 4, (ship) => new Job().run(ship)),
  shape('map() inside the method, after await', 4, (ship) => new Job().runLater(ship)),
  shape('map() inside a nested arrow of the method', 4, (ship) => new Job().runNested(ship)),
  shape('map() inside a generator', 4, (ship) => {
    for (const step of new Job().steps(ship)) void step;
  }),
  shape('map() inside a getter', 4, (ship) => {
    void new WithGetter({ ship }).shipped;
  }),
  shape('the arrow of one object mapped by another', 4, (ship) => {
    const job = new Job();
    job.factor = 7;
    job.runThrough(new Job(), ship);
  }),
  shape('an arrow field passed by its own object', 4, (ship) => new Field().go(ship)),
  shape('an arrow field of a captured object', 4, (ship) => {
    const field = new Field();
    const { add } = field;
    const both = { field, add };
    ship((x: number) => both.add(x) + both.field.offset);
  }),
  shape('a const made from a private field', 4, (ship) => new Hidden().go(ship)),
  shape('this option for an arrow', 4, (ship) => {
    const job = new Job();
    ship(job.makeLoose(), { this: job });
  }),
  shape('this option for a function', 4, (ship) =>
    ship(
      function (this: { base: number }, x: number): number {
        return this.base + x;
      },
      { this: { base: 50 } },
    ),
  ),
  shape('29, 30 arrow whose method is not running', 4, (ship) => ship(new Job().makeLoose())),
];
