/** How jobs and futures are recognised where they are values, also those of another copy of the package. */
export const RESULT_SOURCE: unique symbol = Symbol.for('splitrock.resultSource') as never;
