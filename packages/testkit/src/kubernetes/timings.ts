import type { KubeletTimings } from './kubelet/node-settings.ts';

/** How long the cluster takes and waits, in milliseconds of its clock; the defaults are those of real ones. */
export interface SimulatedTimings extends KubeletTimings {
  /** From a node's last sign of life until it counts as unreachable. @defaultValue 40_000 */
  readonly nodeMonitorGraceMs: number;
  /** How long pods that say nothing else stay on an unreachable node. @defaultValue 300_000; whole seconds */
  readonly defaultTolerationMs: number;
  /** Between two bookmarks of a watch. @defaultValue 60_000 */
  readonly bookmarkIntervalMs: number;
  /** Before a job replaces a pod that failed; doubled each time, at most six minutes. @defaultValue 10_000 */
  readonly jobBackoffMs: number;
}

export const REAL_TIMINGS: SimulatedTimings = {
  restartBackoffMs: 10_000,
  maxRestartBackoffMs: 300_000,
  pullBackoffMs: 10_000,
  retryMs: 2_000,
  nodeMonitorGraceMs: 40_000,
  defaultTolerationMs: 300_000,
  bookmarkIntervalMs: 60_000,
  jobBackoffMs: 10_000,
};
