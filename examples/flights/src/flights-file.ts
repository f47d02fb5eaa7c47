/** The file of the main job, on this machine: three million flights of npm's `vega-datasets`. */

/** The package exports only its code; its data lies beside it. */
export const FLIGHTS = new URL('../data/flights-3m.parquet', import.meta.resolve('vega-datasets'));
