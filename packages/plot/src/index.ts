export type { CallRecord } from './call-record.ts';
export type { Plot, PlotOptions } from './plot.ts';
export { renderHistogram } from './histogram.ts';
export { renderTimeline, type TimelineOptions } from './timeline.ts';
export { writePlots, type PlotPaths, type WritePlotsOptions } from './write-plots.ts';
