/** What is captured, and how. */

/** An ordinary function, or one of the explicit forms. */
export type AnyFunction = (...args: never[]) => unknown;

export interface CaptureOptions {
  /** What the function gets as `this`; for an arrow function, what its outer `this` is. */
  readonly this?: unknown;
  /** Classes whose instances are among the inputs though the function does not name them. */
  readonly classes?: readonly AnyClass[];
  /** Packages left to the runtime image for this function, beside the shipper's own. */
  readonly external?: readonly string[];
  /** Inputs known at the time of the call; classes of instances in them travel with the function. */
  readonly inputs?: readonly unknown[];
}

export type AnyClass = abstract new (...args: never[]) => unknown;
