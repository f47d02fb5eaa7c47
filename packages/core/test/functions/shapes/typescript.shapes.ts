// @ts-nocheck The project's own rules forbid what is tried here: syntax that is more than types.
import { shape, type Shape } from './shape.ts';

enum Color {
  Red,
  Green = 5,
}
const enum Fixed {
  One = 1,
}
namespace Units {
  export const meter = 1;
  export const scale = (x: number): number => x * meter * 1000;
}
class Parameters {
  constructor(
    private readonly first: number,
    public second: string,
  ) {}
  both(): string {
    return `${this.first}${this.second}`;
  }
}
abstract class Shape2D {
  abstract area(): number;
  describe(): string {
    return `area ${this.area()}`;
  }
}
class Square extends Shape2D {
  constructor(private side: number) {
    super();
  }
  area(): number {
    return this.side ** 2;
  }
}
const config = { a: 1 } satisfies Record<string, number>;

/** TypeScript that needs a compiler. */
export const typescript: Shape[] = [
  shape('enum', 1, (ship) => ship((x: number) => [Color[x * 5], Color.Red, Fixed.One])),
  shape('namespace', 2, (ship) => ship((x: number) => Units.scale(x))),
  shape('parameter properties', 2, (ship) => {
    const made = new Parameters(1, 'b');
    ship((x: number) => [made.both(), new Parameters(x, 'c').both()]);
  }),
  shape('abstract class, satisfies', 3, (ship) => ship((x: number) => [new Square(x).describe(), config.a])),
];
