export class Point {
  readonly x: number;
  readonly y: number;
  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
  norm(): number {
    return Math.hypot(this.x, this.y);
  }
}
export class Vault {
  #secret = 41;
  open(): number {
    return this.#secret + 1;
  }
}
export const isPoint = (value: unknown): value is Point => value instanceof Point;
export const UNIT = 10;
export function scale(point: Point, factor: number): Point {
  return new Point(point.x * factor, point.y * factor);
}
export default function origin(): Point {
  return new Point(0, 0);
}
