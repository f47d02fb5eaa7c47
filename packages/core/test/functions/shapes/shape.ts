/** One shape of function: how it is given to the shipper, and what must come of it. */
export interface Shape {
  readonly name: string;
  readonly item: unknown;
  /** The code of the refusal, where a refusal is right. */
  readonly refused: string | undefined;
  readonly present: (ship: Ship) => unknown;
  /** Where a bundler has made the packages part of the user's own code: what comes of it there. */
  readonly whenBundled?: 'travels' | `SHIP_${string}`;
}

/** Captures a function as `map()` does. May be called once for each shape. */
export type Ship = (
  fn: (...args: never[]) => unknown,
  options?: { readonly this?: unknown; readonly inputs?: readonly unknown[] },
) => void;

/** A shape whose result on a worker must equal its result at home. */
export const shape = (name: string, item: unknown, present: (ship: Ship) => unknown): Shape => ({
  name,
  item,
  refused: undefined,
  present,
});

/** A shape that must be refused, with this code. */
export const refusal = (name: string, refused: string, present: (ship: Ship) => unknown): Shape => ({
  name,
  item: 1,
  refused,
  present,
});

/** The same, with another outcome where the program was bundled into one file. */
export const unlessBundled = (whenBundled: NonNullable<Shape['whenBundled']>, usual: Shape): Shape => ({
  ...usual,
  whenBundled,
});
